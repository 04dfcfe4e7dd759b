"""Whether a network suits a store: one trained without hydrogens knows nothing of them, and the other way round."""

from collections.abc import Mapping
from typing import Any

from molinteract.core.errors import ConfigError
from molinteract.store.dataset import PatchDataset


def check_hydrogens(card: Mapping[str, Any], dataset: PatchDataset) -> None:
    """Compare the hydrogens of a network's training structures, where its card tells, with those of a store.

    Raises
    ------
    ConfigError
        If one has hydrogens and the other has none.
    """
    trained, stored = card.get("hydrogens"), dataset.settings.policies.hydrogens
    if trained is None or (trained == "none") == (stored == "none"):
        return
    raise ConfigError(
        f"the network was trained with hydrogens={trained}, the store has hydrogens={stored}",
        entry=str(dataset.path),
        remedy=f"build the store with --set policies.hydrogens={trained}, or take other weights",
    )
