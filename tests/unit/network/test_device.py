import pytest
import torch
from tests.oracles.synthetic_store import SyntheticStore, recipe

from molinteract.core.errors import ConfigError
from molinteract.network.device import checked_device
from molinteract.training.loop import pretrain

ABSENT = ["gpu", "cuda:99", *([] if torch.cuda.is_available() else ["cuda"])]


def test_device_that_is_there_is_returned():
    assert checked_device("cpu") == torch.device("cpu")
    assert checked_device(torch.device("meta")) == torch.device("meta")


@pytest.mark.parametrize("name", ABSENT)
def test_device_that_is_not_there_is_an_error_in_words(name, tmp_path):
    with pytest.raises(ConfigError, match=f"the device '{name}' cannot be used"):
        checked_device(name)
    with pytest.raises(ConfigError, match="cannot be used"):
        pretrain(SyntheticStore(), recipe(device=name), tmp_path / "run")
    assert not (tmp_path / "run").exists()
