"""Stores of a few small crystals."""

import pytest

from molinteract.app.health import FORMIC_ACID
from molinteract.store.build import build
from molinteract.store.dataset import open_dataset


def variants(count):
    """Distinct crystals of few compounds: formic acid, and with a methyl carbon's place taken by other elements."""
    for k in range(count):
        element = ("O", "S", "O", "Se")[k % 4]
        scale = 1 + 0.001 * k + (0.12 if element != "O" else 0)
        text = FORMIC_ACID.decode().replace("data_formic_acid", f"data_x{k:03d}")
        text = text.replace("10.241", f"{10.241 * scale:.4f}").replace(
            "3.544", f"{3.544 * (1 + (scale > 1.1) * 0.3):.4f}"
        )
        yield text.replace("O1 O 0.1270", f"{element}1 {element} 0.1270")


@pytest.fixture(scope="module")
def cifs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("store") / "cifs"
    folder.mkdir()
    for k, text in enumerate(variants(30)):
        (folder / f"{k:03d}.cif").write_text(text)
    (folder / "zz_bad.cif").write_text("nothing here")
    return folder


@pytest.fixture
def small_shards(monkeypatch):
    monkeypatch.setattr("molinteract.store.build.ITEMS_PER_SHARD", 7)


@pytest.fixture(scope="module")
def dataset(cifs):
    build([str(cifs)], cifs.parent / "db")
    return open_dataset(cifs.parent / "db")
