"""molinteract: how molecules touch each other, learnt from crystals.

Public names load on first use, so that ``import molinteract`` brings in neither PyTorch nor RDKit nor numba.
"""

from importlib import import_module
from typing import Any

_PUBLIC: dict[str, str] = {
    "BuildSettings": "molinteract.core.settings",
    "Crystal": "molinteract.crystals.crystal",
    "InteractNN": "molinteract.network.encoder",
    "MolinteractError": "molinteract.core.errors",
    "PatchBatch": "molinteract.batches.batch",
    "Recipe": "molinteract.training.recipe",
    "build": "molinteract.store.build",
    "embed": "molinteract.embeddings.embed",
    "finetune": "molinteract.affinity.finetune",
    "explain": "molinteract.store.explain",
    "export": "molinteract.store.export",
    "load_network": "molinteract.network.saved",
    "open_complexes": "molinteract.affinity.sources",
    "open_dataset": "molinteract.store.dataset",
    "open_network": "molinteract.network.saved",
    "open_vectors": "molinteract.embeddings.table",
    "pretrain": "molinteract.training.loop",
    "process": "molinteract.store.process",
    "read_crystal": "molinteract.sources.single",
    "read_structures": "molinteract.sources.single",
    "summarise": "molinteract.store.statistics",
}
"""Each public name and the module that defines it."""

__all__ = sorted(_PUBLIC)


def __getattr__(name: str) -> Any:
    module = _PUBLIC.get(name)
    if module is None:
        raise AttributeError(f"module 'molinteract' has no attribute {name!r}")
    return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
