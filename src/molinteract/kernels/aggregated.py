"""The vector paths aggregated at the receivers, for nodes with many edges.

A[m, k, u] = Σ_e U_e[k] t_e[m, u], then one product with W a node and component: three times the operations of an edge, but once a
node. The class takes the place of :class:`molinteract.kernels.parts.VectorPart` in buckets of high degree and shares its weights.
"""

import torch
from torch import Tensor

from molinteract.kernels.parts import VectorPart
from molinteract.kernels.workspace import Workspace


class AggregatedVector:
    """Aggregated form of a ``VectorPart``.

    Attributes
    ----------
    weight : (blocks, K' u, w)
    """

    def __init__(self, part: VectorPart) -> None:
        self.part = part
        self.n_blocks = len(part.blocks)
        stored = part.weight.view(-1, self.n_blocks, part.w, part.u)
        self.weight = stored.permute(1, 0, 3, 2).reshape(self.n_blocks, -1, part.w)
        self.gradient = torch.zeros_like(self.weight) if part.gradient is not None else None

    def stored_gradient(self) -> Tensor:
        """Return the gradient of the weights in the order of the part's."""
        assert self.gradient is not None
        own = self.gradient.view(self.n_blocks, -1, self.part.u, self.part.w)
        return own.permute(1, 0, 3, 2).reshape(self.part.weight.shape)

    def aggregate(self, t: Tensor, activations: Tensor, work: Workspace) -> Tensor:
        """Return A, (blocks, 3, n, K', u), from t (n, d, blocks 3, u) and U (n, d, K')."""
        n, _, k = activations.shape
        out = work("AV", 3 * self.n_blocks, n, k, self.part.u)
        for j in range(3 * self.n_blocks):
            torch.bmm(activations.transpose(1, 2), t[:, :, j], out=out[j])
        return out

    def forward(self, t: Tensor, activations: Tensor, work: Workspace) -> Tensor:
        """Return sums over the edges of each node, (n, blocks 3 w), from t (e blocks, 3, u) and U (n, d, K')."""
        n, d, _ = activations.shape
        aggregated = self.aggregate(t.view(n, d, -1, self.part.u), activations, work)
        sums = torch.bmm(aggregated.view(self.n_blocks, 3 * n, -1), self.weight)
        return sums.view(-1, n, self.part.w).transpose(0, 1).reshape(n, -1)

    def backward(self, t: Tensor, activations: Tensor, grad: Tensor, grad_hidden: Tensor, work: Workspace) -> Tensor:
        """Add to the gradients of weights and hidden (n, d, K); return that of t from that of the sums, (n, blocks 3 w)."""
        assert self.gradient is not None
        n, d, k = activations.shape
        u = self.part.u
        t = t.view(n, d, -1, u)
        per_block = grad.reshape(n, -1, self.part.w).transpose(0, 1).reshape(self.n_blocks, 3 * n, self.part.w)
        aggregated = self.aggregate(t, activations, work).view(self.n_blocks, 3 * n, -1)
        self.gradient.baddbmm_(aggregated.transpose(1, 2), per_block)
        of_aggregated = torch.bmm(per_block, self.weight.transpose(1, 2), out=aggregated).view(-1, n, k, u)
        of_t = work("gT", n, d, 3 * self.n_blocks, u)
        for j in range(3 * self.n_blocks):
            grad_hidden.baddbmm_(t[:, :, j], of_aggregated[j, :, :-1].transpose(1, 2))
            of_t[:, :, j] = torch.bmm(activations, of_aggregated[j])
        return of_t.view(-1, 3, u)
