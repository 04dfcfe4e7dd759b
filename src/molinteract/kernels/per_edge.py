"""The convolution on a GPU: the weights of some thousand edges at a time, made once more in the backward pass.

Few, large launches, whose number and shapes depend on the size of the batch alone; nothing is read back to the host. Messages are
summed by the buckets of the layout: without atomics, always in the same order. Features are in e3nn's layout here.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from molinteract.kernels.geometry import EdgeGeometry
from molinteract.kernels.paths import ProductSpec
from molinteract.kernels.reference import edge_product
from molinteract.kernels.segments import inverse_degrees, spread, sum_by_bucket

CHUNK = 16_384
"""Edges at a time: 370 MB of weights in float32 for the widest layer of ``paper``; a batch of 64 patches is one chunk."""


class PerEdgeConvolution(torch.autograd.Function):
    """``edge_convolution``, edge by edge."""

    @staticmethod
    def forward(
        ctx: Any,
        features: Tensor,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor,
        geometry: EdgeGeometry,
        spec: ProductSpec,
    ) -> Tensor:
        """Return (receivers, spec.irreps_out.dim)."""
        ctx.save_for_backward(features, hidden, weight, bias)
        ctx.geometry, ctx.spec = geometry, spec
        layout = geometry.layout
        messages = features.new_empty(layout.n_edges, spec.irreps_out.dim)
        for edges in _chunks(layout.n_edges):
            sent = features.index_select(0, layout.senders[edges])
            messages[edges] = _messages(sent, hidden[edges], weight, bias, geometry.directions[edges], spec)
        sums = sum_by_bucket(messages, layout.receiving)
        sums[:-1] *= inverse_degrees(layout.receiving, like=sums)
        return spread(sums, layout.receiving)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of features, hidden, weight and bias."""
        features, hidden, weight, bias = ctx.saved_tensors
        geometry, spec = ctx.geometry, ctx.spec
        layout = geometry.layout
        active = grad.index_select(0, layout.receiving.nodes) * inverse_degrees(layout.receiving, like=grad)
        of_messages = active.index_select(0, layout.receiving.slots.index_select(0, layout.receivers))
        of_sent, of_hidden = features.new_empty(layout.n_edges, features.shape[1]), torch.empty_like(hidden)
        of_weight, of_bias = torch.zeros_like(weight), torch.zeros_like(bias)
        for edges in _chunks(layout.n_edges):
            made_of = [features.index_select(0, layout.senders[edges]), hidden[edges], weight, bias]
            with torch.enable_grad():
                sent, part, w, b = leaves = [tensor.detach().requires_grad_() for tensor in made_of]
                messages = _messages(sent, part, w, b, geometry.directions[edges], spec)
            grads = torch.autograd.grad(messages, leaves, of_messages[edges], materialize_grads=True)
            of_sent[edges], of_hidden[edges] = grads[0], grads[1]
            of_weight += grads[2]
            of_bias += grads[3]
        of_features = sum_by_bucket(of_sent.index_select(0, layout.by_sender), layout.sending)
        return spread(of_features, layout.sending), of_hidden, of_weight, of_bias, None, None


def _chunks(n_edges: int) -> list[slice]:
    return [slice(start, min(start + CHUNK, n_edges)) for start in range(0, n_edges, CHUNK)]


def _messages(
    sent: Tensor, hidden: Tensor, weight: Tensor, bias: Tensor, directions: Tensor, spec: ProductSpec
) -> Tensor:
    return edge_product(sent, directions, torch.nn.functional.linear(hidden, weight, bias), spec)
