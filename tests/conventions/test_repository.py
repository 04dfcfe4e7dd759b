"""House rules that a machine can check."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from molinteract.core.reasons import Reason

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
LONG_FUNCTIONS: frozenset[str] = frozenset()
"""Functions above 100 lines, each with its written reason beside it."""


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def length(function: ast.AST) -> int:
    return function.end_lineno - function.lineno + 1


def test_files_and_functions_stay_short():
    long_files = [p.name for p in SOURCES if len(p.read_text(encoding="utf-8").splitlines()) > 400]
    long_functions = [f.name for p in SOURCES for f in functions(p) if length(f) > 100]
    assert long_files == []
    assert set(long_functions) <= LONG_FUNCTIONS


def public_functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Functions and methods that can be called from outside: nested ones and those of private classes cannot."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    bodies = [tree.body, *(n.body for n in tree.body if isinstance(n, ast.ClassDef) and not n.name.startswith("_"))]
    kinds = ast.FunctionDef | ast.AsyncFunctionDef
    return [n for body in bodies for n in body if isinstance(n, kinds) and not n.name.startswith("_")]


def is_compiled(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("njit" in ast.unparse(decorator) for decorator in function.decorator_list)


def test_public_functions_have_docstrings_and_return_types():
    missing = [
        f"{path.name}:{f.name}"
        for path in SOURCES
        for f in public_functions(path)
        if ast.get_docstring(f) is None or (f.returns is None and not is_compiled(f))
    ]
    assert missing == []


def test_no_grab_bag_modules():
    names = {part for path in SOURCES for part in path.relative_to(ROOT / "src").with_suffix("").parts}
    assert names.isdisjoint({"utils", "util", "helpers", "helper", "common", "misc"})
    assert not any(re.search(r"(_v|v)\d+$", name) for name in names)


def test_nothing_foreign_is_unpickled_or_evaluated():
    pattern = re.compile(r"\b(pickle\.loads?|eval|exec|torch\.load)\(")
    found = [
        f"{p.name}: {line.strip()}"
        for p in SOURCES
        for line in p.read_text(encoding="utf-8").splitlines()
        if pattern.search(line) and not re.search(r"\.eval\(\)", line)
    ]
    assert found == []


def test_every_reason_code_is_documented():
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert [reason for reason in Reason if f"### `{reason.value}`" not in page] == []


@pytest.mark.parametrize("page", sorted(p.name for p in [*(ROOT / "docs").glob("*.md"), ROOT / "README.md"]))
def test_links_between_pages_lead_somewhere(page):
    path = ROOT / page if (ROOT / page).is_file() else ROOT / "docs" / page
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


def test_lock_pins_everything_with_hashes():
    lock = (ROOT / "requirements" / "lock.txt").read_text(encoding="utf-8")
    blocks = re.split(r"(?m)^(?=[a-z])", lock)[1:]
    assert len(blocks) > 50
    assert [b.split()[0] for b in blocks if "==" not in b.split()[0] or "--hash=sha256:" not in b] == []
    assert not re.search(r"(?m)^(torch|triton|nvidia-)", lock)


def test_no_large_file_is_tracked():
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    large = [f for f in done.stdout.split() if (ROOT / f).is_file() and (ROOT / f).stat().st_size > 1_000_000]
    assert [f for f in large if not f.endswith(".safetensors")] == []
