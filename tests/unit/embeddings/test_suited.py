"""A network is not asked about atoms that it never saw."""

import pytest

from molinteract.app.health import FORMIC_ACID
from molinteract.core.errors import ConfigError
from molinteract.core.settings import BuildSettings, Policies
from molinteract.embeddings.suited import check_hydrogens
from molinteract.store.build import build
from molinteract.store.dataset import open_dataset


@pytest.fixture(scope="module", params=["deposited", "none"])
def store(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("suited")
    (folder / "a.cif").write_bytes(FORMIC_ACID)
    build([str(folder / "a.cif")], folder / "db", settings=BuildSettings(policies=Policies(hydrogens=request.param)))
    return open_dataset(folder / "db")


@pytest.mark.parametrize("trained", ["deposited", "normalised", "none", None])
def test_hydrogens_of_network_and_store_must_agree_where_the_card_tells(store, trained):
    card = {} if trained is None else {"hydrogens": trained}
    stored = store.settings.policies.hydrogens
    if trained is None or (trained == "none") == (stored == "none"):
        check_hydrogens(card, store)
    else:
        with pytest.raises(ConfigError, match=f"policies.hydrogens={trained}"):
            check_hydrogens(card, store)
