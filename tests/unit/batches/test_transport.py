import pickle

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.oracles.random_batches import random_arrays

from molinteract.batches.batch import INTER, INTRA, POOL
from molinteract.batches.collate import collate
from molinteract.batches.transport import pack, unpack

DTYPES = st.sampled_from([torch.float32, torch.float64, torch.int64, torch.bool, torch.int8])
SHAPES = st.lists(st.integers(0, 5), max_size=3).map(tuple)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(DTYPES, SHAPES), max_size=6))
def test_tensors_arrive_as_they_were(kinds):
    tensors = [torch.arange(int(np.prod(shape))).reshape(shape).to(dtype) for dtype, shape in kinds]
    arrived = unpack(pickle.loads(pickle.dumps(pack({"all": tensors, "name": "x"}))))
    assert arrived["name"] == "x"
    for sent, got in zip(tensors, arrived["all"], strict=True):
        assert got.dtype == sent.dtype
        assert torch.equal(got, sent)


def test_a_tensor_that_lies_askew_arrives():
    tensor = torch.arange(12.0).view(3, 4).T[1:]
    assert torch.equal(unpack(pack([tensor]))[0], tensor)


def test_batch_keeps_its_layouts():
    batch = collate(random_arrays(3, 4), np.arange(4))
    arrived = unpack(pack(batch))
    for name in (INTER, INTRA, POOL):
        assert arrived.layout(name) is getattr(arrived.layouts, name)  # the edges are still the ones it was made of
        assert arrived.layout(name).receiving.buckets == batch.layout(name).receiving.buckets
        assert torch.equal(arrived.layout(name).by_sender, batch.layout(name).by_sender)
    assert torch.equal(arrived.positions, batch.positions)
    assert len(pack(batch).memory) < sum(t.nbytes for t in _tensors(batch)) + 16 * len(_tensors(batch))


def _tensors(batch):
    found = {}

    def look(value):
        if isinstance(value, torch.Tensor):
            found[id(value)] = value
        for name in getattr(value, "__dataclass_fields__", ()):
            look(getattr(value, name))

    look(batch)
    return list(found.values())
