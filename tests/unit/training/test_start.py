"""Training that goes on from weights which are there already."""

import pytest
import torch
from tests.oracles.synthetic_store import NETWORK, SyntheticStore, recipe

from molinteract.core.errors import ConfigError, ModelFileError
from molinteract.network.encoder import InteractNN
from molinteract.network.saved import save_network
from molinteract.training.loop import pretrain
from molinteract.training.start import start_from


@pytest.fixture
def paper(tmp_path):
    torch.manual_seed(1)
    network = InteractNN(NETWORK)
    save_network(tmp_path / "paper", network)
    return network, str(tmp_path / "paper")


def test_weights_are_taken_and_missing_heads_begin_anew(paper):
    known, name = paper
    torch.manual_seed(2)
    model = InteractNN(NETWORK.model_copy(update={"rigid_head": True}))
    new, taken = {n: t.clone() for n, t in model.state_dict().items()}, known.state_dict()
    start_from(model, name)
    for n, tensor in model.state_dict().items():
        anew = n.startswith(("pool.", "rigid."))
        assert torch.equal(tensor, new[n] if anew else taken[n]), n
    assert any(n.startswith("rigid.") for n in new)


def test_a_run_begins_with_the_weights(paper, tmp_path):
    known, name = paper
    chosen = recipe(start=name, max_steps=1)
    small = chosen.optimiser.model_copy(update={"learning_rate": 1e-12})
    run = tmp_path / "run"
    pretrain(SyntheticStore(), chosen.model_copy(update={"optimiser": small}), run)
    model = InteractNN(NETWORK)
    start_from(model, str(run))
    for (n, tensor), (_, before) in zip(model.named_parameters(), known.named_parameters(), strict=True):
        if not n.startswith("pool."):  # calibrated before it is saved
            torch.testing.assert_close(tensor, before, atol=1e-6, rtol=0)


def test_other_sizes_are_refused_in_words(paper):
    model = InteractNN(NETWORK.model_copy(update={"n_layers": 3}))
    with pytest.raises(ConfigError, match="n_layers 2 instead of 3"):
        start_from(model, paper[1])


def test_no_such_weights_is_said(tmp_path):
    with pytest.raises(ModelFileError):
        pretrain(SyntheticStore(), recipe(start=str(tmp_path / "none")), tmp_path / "run")
