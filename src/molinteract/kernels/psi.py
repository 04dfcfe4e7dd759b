"""First layer of Ψ: a linear layer and ReLU on [embedding of the edge ‖ scalars of receiver ‖ scalars of sender]."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from molinteract.kernels.layout import EdgeLayout
from molinteract.kernels.precision import keeps_precision
from molinteract.kernels.segments import spread, sum_at_nodes


@keeps_precision
def pair_hidden(embedding: Tensor, scalars: Tensor, weight: Tensor, bias: Tensor, layout: EdgeLayout) -> Tensor:
    """Return ReLU(W [e_ab ‖ s_a ‖ s_b] + b) of every edge a ← b, (edges, K); keeps no array of inputs for the backward pass.

    Parameters
    ----------
    embedding : (edges, m)
    scalars : (nodes, s)
    weight : (K, m + 2 s), bias : (K,)
    layout : EdgeLayout
        Its receivers and senders are the same set of nodes.
    """
    hidden: Tensor = _PairHidden.apply(embedding, scalars, weight, bias, layout)  # type: ignore[no-untyped-call]
    return hidden


class _PairHidden(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, embedding: Tensor, scalars: Tensor, weight: Tensor, bias: Tensor, layout: EdgeLayout
    ) -> Tensor:
        hidden = torch.addmm(bias, _inputs(embedding, scalars, layout), weight.T).relu_()
        ctx.save_for_backward(embedding, scalars, weight, hidden)
        ctx.layout = layout
        return hidden

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        embedding, scalars, weight, hidden = ctx.saved_tensors
        layout: EdgeLayout = ctx.layout
        grad = torch.ops.aten.threshold_backward(grad, hidden, 0)
        of_weight = grad.T @ _inputs(embedding, scalars, layout)
        of_inputs = grad @ weight
        m, s = embedding.shape[1], scalars.shape[1]
        received = sum_at_nodes(of_inputs[:, m : m + s], layout.receiving)
        sent = sum_at_nodes(of_inputs[:, m + s :].index_select(0, layout.by_sender), layout.sending)
        of_scalars = spread(received, layout.receiving) + spread(sent, layout.sending)
        return of_inputs[:, :m].contiguous(), of_scalars, of_weight, grad.sum(0), None


def _inputs(embedding: Tensor, scalars: Tensor, layout: EdgeLayout) -> Tensor:
    ends = [scalars.index_select(0, nodes) for nodes in (layout.receivers, layout.senders)]
    return torch.cat([embedding, *ends], dim=1)
