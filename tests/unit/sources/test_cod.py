"""COD over HTTP, against a server on this machine that fails in every way; and from a local mirror."""

import contextlib
import json
import threading
import time
from collections import Counter, defaultdict
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from molinteract.app.health import FORMIC_ACID
from molinteract.core.errors import SourceError
from molinteract.crystals.raw import RawStructure
from molinteract.crystals.rejected import Rejected
from molinteract.sources import cod_client
from molinteract.sources.entries import iterate
from molinteract.store.build import build
from molinteract.store.dataset import open_dataset


def cif(revision, edge=b"10.241"):
    return b"#$Date$\n#$Revision: %d $\n" % revision + FORMIC_ACID.replace(b"10.241", edge)


class Server(ThreadingHTTPServer):
    """Answers each path with the actions planned for it, one a request, the last one for ever."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.plan = defaultdict(list)
        self.asked = Counter()
        self.queries = []

    @property
    def base(self):
        return f"http://127.0.0.1:{self.server_port}/cod"


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        server, parts = self.server, urlsplit(self.path)
        server.asked[parts.path] += 1
        server.queries.append(parse_qs(parts.query))
        plan = server.plan[parts.path]
        action = plan.pop(0) if len(plan) > 1 else plan[0] if plan else 404
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            getattr(self, f"send_{action[0]}")(*action[1:]) if isinstance(action, tuple) else self.send_status(action)

    def send_body(self, body, headers=()):
        self.send_status(200, [("Content-Length", str(len(body))), *headers])
        self.wfile.write(body)

    def send_status(self, status, headers=(("Content-Length", "0"),)):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()

    def send_cut(self, body):
        self.send_status(200, [("Content-Length", str(len(body) + 500))])
        self.wfile.write(body)
        self.close_connection = True

    def send_stall(self, seconds):
        time.sleep(seconds)

    def send_drip(self, body):
        self.send_status(200, [("Content-Length", str(len(body)))])
        for k in range(len(body)):
            self.wfile.write(body[k : k + 1])
            self.wfile.flush()
            time.sleep(0.05)

    def send_moved(self, target):
        self.send_status(302, [("Location", target), ("Content-Length", "0")])

    def send_later(self, status, value):
        self.send_status(status, [("Retry-After", value), ("Content-Length", "0")])


@pytest.fixture
def server(monkeypatch, tmp_path):
    with Server() as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setenv("MOLINTERACT_COD", running.base)
        monkeypatch.setenv("MOLINTERACT_COD_CACHE", str(tmp_path / "cache"))
        for name, value in (("RATE", "1000"), ("TIMEOUT", "0.3"), ("TRIES", "3"), ("WAIT", "0.01")):
            monkeypatch.setenv(f"MOLINTERACT_COD_{name}", value)
        yield running
        cod_client._client().close()
        cod_client._client.cache_clear()
        running.shutdown()
        thread.join()


def read(source):
    return [entry for item in iterate(source) for entry in item.read()]


PATH = "/cod/1000041.cif"


def test_entry_is_fetched_and_kept_by_revision(server, tmp_path):
    server.plan[PATH] = [("body", cif(350))]
    (entry,) = read("cod:1000041")
    assert isinstance(entry, RawStructure)
    assert entry.entry == "cod/1000041.cif#formic_acid"
    assert [p.name for p in (tmp_path / "cache").rglob("1000041@*")] == ["1000041@350.present.cif"]
    assert read("cod:1000041")[0].cell.tolist() == entry.cell.tolist()
    assert server.asked[PATH] == 1


def test_revision_is_asked_for_and_kept_apart(server):
    server.plan[PATH] = [("body", cif(400))]
    server.plan[PATH + "@350"] = [("body", cif(349, b"10.5"))]
    assert read("cod:1000041@350 1000041")[0].cell[0] == 10.5
    assert read("cod:1000041@350")[0].entry == "cod/1000041@350.cif#formic_acid"
    assert [entry.cell[0] for entry in read("cod:1000041,1000041@350")] == [10.241, 10.5]
    assert server.asked == {PATH: 1, PATH + "@350": 1}


def test_refresh_asks_again(server, monkeypatch):
    server.plan[PATH] = [("body", cif(1)), ("body", cif(2, b"10.5"))]
    assert read("cod:1000041")[0].cell[0] == 10.241
    monkeypatch.setenv("MOLINTERACT_COD_REFRESH", "1")
    assert read("cod:1000041")[0].cell[0] == 10.5
    monkeypatch.delenv("MOLINTERACT_COD_REFRESH")
    assert read("cod:1000041")[0].cell[0] == 10.5


PASSING = {
    "503": 503,
    "500": 500,
    "truncated": ("cut", cif(1)[:200]),
    "stalled": ("stall", 0.6),
    "busy": ("later", 429, "0"),
    "busy until a date": ("later", 503, formatdate(0, usegmt=True)),
}


@pytest.mark.parametrize("fault", PASSING)
def test_passing_fault_is_tried_again(server, fault):
    server.plan[PATH] = [PASSING[fault], PASSING[fault], ("body", cif(7))]
    (entry,) = read("cod:1000041")
    assert isinstance(entry, RawStructure)
    assert server.asked[PATH] == 3


@pytest.mark.parametrize("fault", ["503", "truncated", "stalled"])
def test_fault_that_stays_is_a_reject_and_the_rest_goes_on(server, tmp_path, fault):
    server.plan[PATH] = [PASSING[fault]]
    server.plan["/cod/1000042.cif"] = [("body", cif(7))]
    bad, good = read("cod:1000041,1000042")
    assert isinstance(bad, Rejected)
    assert "not fetched after 3 tries" in bad.detail
    assert isinstance(good, RawStructure)
    assert not list((tmp_path / "cache").rglob("1000041@*"))


LASTING = {
    "absent": (404, "no such entry"),
    "gone": (410, "no such entry"),
    "forbidden": (403, "status 403"),
    "page": (("body", b"<html>maintenance</html>"), "no CIF"),
    "circle": (("moved", PATH), "redirects"),
    "next year": (("later", 429, "99999"), "come back in 99999 s"),
}


@pytest.mark.parametrize("fault", LASTING)
def test_lasting_fault_is_a_reject_at_once(server, fault):
    action, words = LASTING[fault]
    server.plan[PATH] = [action]
    (entry,) = read("cod:1000041")
    assert isinstance(entry, Rejected)
    assert words in entry.detail
    assert server.asked[PATH] == (6 if fault == "circle" else 1)


def test_redirect_is_followed(server):
    server.plan[PATH] = [("moved", "/elsewhere/1000041.cif")]
    server.plan["/elsewhere/1000041.cif"] = [("body", cif(7))]
    assert isinstance(read("cod:1000041")[0], RawStructure)


def test_answer_that_drips_for_ever_is_given_up(server, monkeypatch):
    monkeypatch.setenv("MOLINTERACT_COD_TIMEOUT", "0.1")
    monkeypatch.setenv("MOLINTERACT_COD_TRIES", "1")
    server.plan[PATH] = [("drip", cif(7))]
    (entry,) = read("cod:1000041")
    assert "not whole after 2 s" in entry.detail


def test_answer_without_end_is_refused(server, monkeypatch):
    monkeypatch.setattr(cod_client, "LARGEST", 1000)
    server.plan[PATH] = [("body", cif(7) * 10)]
    assert "longer than" in read("cod:1000041")[0].detail


def test_unreachable_server_stops_the_build_and_resume_goes_on(server, monkeypatch, tmp_path):
    server.plan[PATH] = [("body", cif(1))]
    monkeypatch.setenv("MOLINTERACT_COD", "http://127.0.0.1:9/cod")  # the discard port: nobody listens
    with pytest.raises(SourceError, match="cannot be reached"):
        build(["cod:1000041"], tmp_path / "db")
    monkeypatch.setenv("MOLINTERACT_COD", server.base)
    assert build(["cod:1000041"], tmp_path / "db", resume=True).kept == 1


def test_interrupted_build_fetches_nothing_twice(server, tmp_path):
    numbers = [f"10000{k:02d}" for k in range(6)]
    for k, number in enumerate(numbers):
        server.plan[f"/cod/{number}.cif"] = [("body", cif(k + 1, b"10.2%d" % k))]
    (tmp_path / "ids.txt").write_text("# mine\n" + "\n".join(numbers[:3]) + "\n")
    build([f"cod:@{tmp_path / 'ids.txt'}"], tmp_path / "one")
    (tmp_path / "ids.txt").write_text("\r\n".join(f"http://x/cod/{number}.cif" for number in numbers))
    report = build([f"cod:@{tmp_path / 'ids.txt'}"], tmp_path / "two")
    assert report.kept == 6
    assert set(server.asked.values()) == {1}
    assert sorted(open_dataset(tmp_path / "two").crystals["file"].to_pylist()) == [f"cod/{n}.cif" for n in numbers]


def test_search_passes_the_parameters_and_keeps_the_list(server, tmp_path):
    server.plan["/cod/result"] = [("body", b"1000042\n1000041\n1000041\n")]
    (tmp_path / "query.json").write_text(json.dumps({"el1": "C", "el2": "H", "strictmax": 4}))
    for _ in range(2):
        assert [item.member for item in iterate(f"cod:@{tmp_path / 'query.json'}")] == ["1000041", "1000042"]
    assert server.queries == [{"el1": ["C"], "el2": ["H"], "strictmax": ["4"], "format": ["lst"]}]
    assert [item.member for item in iterate("cod:?el1=C&el2=H&strictmax=4")] == ["1000041", "1000042"]
    assert len(server.queries) == 1


@pytest.mark.parametrize(
    ("action", "words"),
    [(("body", b""), "finds nothing"), (("body", b"<html>error"), "<html>error"), (503, "does not answer")],
)
def test_search_without_an_answer_is_explained(server, action, words):
    server.plan["/cod/result"] = [action]
    with pytest.raises(SourceError, match=words):
        list(iterate("cod:?text=nothing"))


def test_rate_is_kept_over_processes(server, monkeypatch, tmp_path):
    monkeypatch.setenv("MOLINTERACT_COD_RATE", "0.5")
    slept = []
    monkeypatch.setattr(cod_client.time, "sleep", slept.append)
    for k in range(3):
        server.plan[f"/cod/100000{k}.cif"] = [("body", cif(1))]
    assert len(read("cod:1000000,1000001,1000002")) == 3
    assert slept[0] == 0
    assert all(1 < pause <= 2 for pause in slept[1:])
    # another process finds the time of the last request in the cache
    assert float((tmp_path / "cache" / ".turn").read_text()) == pytest.approx(time.time(), abs=60)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("cod:", "not fetched entry by entry"),
        ("cod:41", "no COD number"),
        ("cod:@/nowhere/ids.txt", "cannot be read"),
        ("cod:@{folder}/bad.json", "no JSON"),
        ("cod:@{folder}/list.json", "no JSON object"),
        ("cod:@{folder}/words.txt", "no COD number"),
        ("cod:@{folder}/empty.txt", "no COD number there"),
        ("cod:?", "no search parameter"),
    ],
)
def test_source_that_names_nothing_is_explained(server, tmp_path, source, words):
    (tmp_path / "bad.json").write_text("{")
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "words.txt").write_text("hello\n")
    (tmp_path / "empty.txt").write_text("# nothing\n")
    with pytest.raises(SourceError, match=words):
        list(iterate(source.format(folder=tmp_path)))


def test_mirror_gives_the_same_entries_as_http(server, monkeypatch, tmp_path):
    server.plan[PATH] = [("body", cif(1))]
    over_http = [item.key for item in iterate("cod:1000041")], read("cod:1000041")[0].entry
    for inside in ("cif", ""):
        mirror = tmp_path / f"mirror{inside}"
        folder = mirror / inside / "1" / "00" / "00"
        folder.mkdir(parents=True)
        (folder / "1000041.cif").write_bytes(cif(1))
        (folder / "1000041.hkl").write_text("1 0 0")
        monkeypatch.setenv("MOLINTERACT_COD", str(mirror))
        assert ([item.key for item in iterate("cod:1000041")], read("cod:1000041")[0].entry) == over_http
        assert [item.key for item in iterate("cod:")] == ["cod/1000041.cif"]
        assert "cannot be read" in read("cod:1000042")[0].detail
        assert "older revisions" in read("cod:1000041@3")[0].detail
        with pytest.raises(SourceError, match="cannot be searched"):
            list(iterate("cod:?el1=C"))
    monkeypatch.setenv("MOLINTERACT_COD", str(tmp_path / "nowhere"))
    with pytest.raises(SourceError, match="no such folder"):
        list(iterate("cod:"))


def test_setting_that_is_no_number_is_explained(server, monkeypatch):
    monkeypatch.setenv("MOLINTERACT_COD_RATE", "fast")
    with pytest.raises(SourceError, match=r"MOLINTERACT_COD_RATE: 'fast' is no positive number"):
        list(iterate("cod:1000041"))
