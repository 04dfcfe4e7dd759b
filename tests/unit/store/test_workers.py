"""Workers that die, hang or are killed, and disks that are full: reported, and the rest goes on."""

import os
import random
import signal
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest

from molinteract.app.health import FORMIC_ACID
from molinteract.core.errors import ConfigError, MissingExtraError, StoreError
from molinteract.core.settings import BuildSettings
from molinteract.store.attempts import FRUITLESS, Attempt
from molinteract.store.build import build
from molinteract.store.dataset import open_dataset
from molinteract.store.shards import Position, ShardTask

FAULTY = '''
"""Builds sys.argv[1] in sys.argv[2] with sys.argv[3] workers; entries named crash and hang are as bad as their names."""
import ctypes, os, signal, sys
import molinteract.store.build as builder
import molinteract.store.shards as shards
from molinteract.core.settings import BuildSettings

builder.ITEMS_PER_SHARD = 4
shards.HARD_GRACE = 1.0
real = shards.process_batch


def process_batch(raws, settings, **more):
    for raw in raws:
        if "crash" in raw.block:
            ctypes.string_at(0)
        if "killed" in raw.block:
            os.kill(os.getpid(), signal.SIGKILL)
        if "hang" in raw.block:  # as compiled code does: deaf to the clock
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM})
            while True:
                pass
    return real(raws, settings, **more)


shards.process_batch = process_batch
if __name__ == "__main__":
    settings = BuildSettings.model_validate({"limits": {"seconds": 1.0}})
    builder.build([sys.argv[1]], sys.argv[2], settings=settings, workers=int(sys.argv[3]), resume=True)
'''


@pytest.fixture
def faulty(tmp_path):
    (tmp_path / "faulty.py").write_text(FAULTY)
    (tmp_path / "cifs").mkdir()
    for k in range(10):
        name = {2: "crash", 5: "hang", 7: "killed"}.get(k, "sound")
        text = FORMIC_ACID.replace(b"formic_acid", f"{name}{k}".encode())
        (tmp_path / "cifs" / f"{k}.cif").write_bytes(text)
    return tmp_path


@pytest.mark.slow
def test_entries_that_kill_their_process_are_found_and_the_rest_goes_on(faulty):
    subprocess.run([sys.executable, faulty / "faulty.py", faulty / "cifs", faulty / "db", "2"], check=True)
    dataset = open_dataset(faulty / "db")
    found = {row["entry"].partition("#")[2]: row["detail"] for row in dataset.rejects.to_pylist()}
    assert found.keys() == {"crash2", "hang5", "killed7"}
    assert "killed by SIGSEGV" in found["crash2"]
    assert "time limit" in found["hang5"]
    assert "killed by SIGKILL" in found["killed7"]
    assert all(detail.startswith("internal error") for detail in found.values())
    assert [name[-1] for name in dataset.crystals["block"].to_pylist()] == list("0134689")
    assert list((faulty / "db" / "shards").glob(".*")) == []


@pytest.mark.slow
def test_an_entry_that_kills_the_only_process_is_found_on_resuming(faulty):
    (faulty / "cifs" / "5.cif").unlink()  # nobody would end what hangs
    command = [sys.executable, faulty / "faulty.py", faulty / "cifs", faulty / "db", "1"]
    codes = [subprocess.run(command, check=False).returncode for _ in range(3)]
    assert codes == [-signal.SIGSEGV, -signal.SIGKILL, 0]
    dataset = open_dataset(faulty / "db")
    assert {row["entry"].partition("#")[2] for row in dataset.rejects.to_pylist()} == {"crash2", "killed7"}
    assert [name[-1] for name in dataset.crystals["block"].to_pylist()] == list("0134689")
    assert list((faulty / "db" / "shards").glob(".*")) == []


def test_what_is_in_hand_at_two_deaths_is_left_out(tmp_path):
    attempt = Attempt(ShardTask(0, (), BuildSettings(), str(tmp_path))).after_death("killed by SIGSEGV")
    assert attempt.task.careful
    attempt.task.note_path.write_text("3 1 0")
    attempt = attempt.after_death("node lost")
    assert attempt.task.fatal == ()
    attempt.task.note_path.write_text("3 2 0")  # bad luck then: another entry is in hand now
    attempt = attempt.after_death("killed by SIGSEGV")
    assert attempt.task.fatal == ()
    attempt.task.note_path.write_text("3 2 0")
    attempt = attempt.after_death("killed by SIGSEGV")
    ((position, detail),) = attempt.task.fatal
    assert position == Position(3, 2, reading=False)
    assert "killed by SIGSEGV" in detail


def test_workers_that_die_without_beginning_end_the_build(tmp_path):
    attempt = Attempt(ShardTask(7, (), BuildSettings(), str(tmp_path)))
    for _ in range(FRUITLESS - 1):
        attempt = attempt.after_death("exit code 1")
    with pytest.raises(StoreError, match="shard 7: 4 worker processes died one after another"):
        attempt.after_death("exit code 1")


def test_a_script_without_main_guard_is_told_so(tmp_path):
    (tmp_path / "a.cif").write_bytes(FORMIC_ACID)
    script = tmp_path / "naive.py"
    script.write_text(
        "from molinteract.store.build import build\n"
        f"build([{str(tmp_path / 'a.cif')!r}], {str(tmp_path / 'db')!r}, workers=2, resume=True)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "a script that builds needs if __name__ == '__main__'" in done.stderr


def test_either_workers_or_a_cluster(tmp_path):
    with pytest.raises(ConfigError, match="either --workers or --ray"):
        build(["sample:"], tmp_path / "db", workers=2, ray="local")


LIMITED = """
import resource, sys
import molinteract.store.build as builder
from molinteract.core.errors import StoreError

resource.setrlimit(resource.RLIMIT_FSIZE, (3000, resource.RLIM_INFINITY))
if __name__ == "__main__":
    try:
        builder.build([sys.argv[1]], sys.argv[2], workers=int(sys.argv[3]))
    except StoreError as error:
        print(error)
        sys.exit(3)
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_full_disk_is_reported_and_resumed(cifs, tmp_path, workers):
    """No file may grow beyond some bytes: writing fails in the middle of a table, as on a full disk."""
    script = tmp_path / "limited.py"
    script.write_text(LIMITED)
    done = subprocess.run(
        [sys.executable, script, cifs, tmp_path / "db", str(workers)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3, done.stderr
    assert "cannot be written: " in done.stdout
    assert "File too large" in done.stdout
    assert "--resume" in done.stdout
    assert [p.name for p in (tmp_path / "db" / "shards").iterdir() if p.name.endswith(".part")] == []
    build([str(cifs)], tmp_path / "db", resume=True)
    build([str(cifs)], tmp_path / "whole")
    assert tables(tmp_path / "db") == tables(tmp_path / "whole")


def tables(path):
    """Bytes of every table, times of the rejects left out."""
    found = {p.name: p.read_bytes() for p in sorted((path / "shards").glob("*.parquet")) if "rejects" not in p.name}
    for p in [path / "rejects.parquet", *sorted((path / "shards").glob("rejects-*"))]:
        found[p.name] = pq.read_table(p).drop_columns(["seconds"])
    return found


KILLABLE = """
import sys
import molinteract.store.build as builder

builder.ITEMS_PER_SHARD = 2
if __name__ == "__main__":
    builder.build([sys.argv[1]], sys.argv[2], workers=int(sys.argv[3]), resume=True)
"""


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_build_resumes_to_the_same_store(cifs, tmp_path, workers, monkeypatch):
    """Killed with SIGKILL after a few shards and a random moment more, again and again, until one run ends by itself."""
    script = tmp_path / "killable.py"
    script.write_text(KILLABLE)
    rng = random.Random(workers)
    command = [sys.executable, script, cifs, tmp_path / "killed", str(workers)]
    kills = 0
    while True:
        before = len(list((tmp_path / "killed").glob("shards/shard-*")))
        process = subprocess.Popen(command)
        wanted = before + rng.randint(1, 4)
        while process.poll() is None and len(list((tmp_path / "killed").glob("shards/shard-*"))) < wanted:
            time.sleep(0.001)
        time.sleep(rng.random() * 0.02)
        if process.poll() is not None:
            assert process.returncode == 0
            break
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
    assert kills >= 3
    monkeypatch.setattr("molinteract.store.build.ITEMS_PER_SHARD", 2)  # as in the processes that were killed
    build([str(cifs)], tmp_path / "whole", workers=1)
    assert tables(tmp_path / "whole") == tables(tmp_path / "killed")
    assert open_dataset(tmp_path / "killed").verify() == []


CLUSTER = '''
"""Builds on a cluster of three nodes; one of those that work is killed when the first shards are there."""
import os, sys, threading, time
from pathlib import Path
import ray
from ray.cluster_utils import Cluster
import molinteract.store.build as builder

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
victim = cluster.add_node(num_cpus=1)
cluster.add_node(num_cpus=1)
builder.ITEMS_PER_SHARD = 1
out = Path(sys.argv[2])


def kill():
    while len(list(out.glob("shards/shard-*"))) < 3:
        time.sleep(0.01)
    cluster.remove_node(victim, allow_graceful=False)
    print("killed", flush=True)


threading.Thread(target=kill, daemon=True).start()
report = builder.build([sys.argv[1]], out, ray=cluster.address)
print(f"internal errors: {report.internal_errors}", flush=True)
'''


@pytest.mark.slow
def test_a_cluster_that_loses_a_node_builds_the_same_store(cifs, tmp_path, monkeypatch):
    script = tmp_path / "cluster.py"
    script.write_text(CLUSTER)
    done = subprocess.run(
        [sys.executable, script, cifs, tmp_path / "ray"], capture_output=True, text=True, check=False, timeout=500
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()  # Ray prints there too
    assert "killed" in lines
    assert lines[-1] == "internal errors: 0"
    monkeypatch.setattr("molinteract.store.build.ITEMS_PER_SHARD", 1)
    build([str(cifs)], tmp_path / "serial")
    assert tables(tmp_path / "serial") == tables(tmp_path / "ray")


def test_without_ray_the_extra_is_named(cifs, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"molinteract\[cluster\]"):
        build([str(cifs)], tmp_path / "db", ray="local")
