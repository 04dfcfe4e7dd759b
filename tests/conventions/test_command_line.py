"""The command line starts fast, is documented, and ends with the promised exit codes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from molinteract.app.cli.main import VERBS, run

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "torch",
    "rdkit",
    "numba",
    "gemmi",
    "pyarrow",
    "duckdb",
    "matplotlib",
    "scipy",
    "sklearn",
    "umap",
    "ase",
)

PROBE = """
import sys
from molinteract.app.cli.main import run
run(sys.argv[1:])
print([name for name in {heavy} if name in sys.modules])
"""


@pytest.mark.parametrize("words", [["--help"], ["--version"], *[[verb, "--help"] for verb in VERBS]])
def test_help_imports_nothing_heavy(words):
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(heavy=HEAVY), *words], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_import_of_the_package_is_light():
    code = f"import sys, molinteract; print([n for n in {HEAVY} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_wrong_usage_is_exit_code_2(capsys):
    assert run(["no-such-verb"]) == 2
    assert run(["stats", "--no-such-option"]) == 2
    assert run(["stats", "/nowhere/at/all"]) == 2
    assert "/nowhere/at/all" in capsys.readouterr().err


def test_generated_pages_are_current():
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "generate_docs.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_doctor_finds_this_installation_healthy(capsys):
    assert run(["doctor", "--json"]) == 0
    checks = json.loads(capsys.readouterr().out)["checks"]
    assert {check["status"] for check in checks} <= {"ok", "note"}


def test_reader_that_closes_the_pipe_early_is_no_error():
    script = "from molinteract.app.cli import main; main.run = lambda _words: print('x' * 100_000) or 0; main.main()"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        complaint = process.stderr.read()
        assert process.wait(timeout=60) == 0
    assert complaint == b""
