"""The three parts of the convolution, each in the formulation that needs the fewest operations (see docs/performance.md).

With U = [hidden, 1] (K' numbers an edge) the weights of an edge are W U, so a message is Σ_k U_k W[k, u, w] t[u]. Where the sum
over k and the sum over edges meet a factor 3 (the components of a vector) can be avoided:

* **scalar** outputs are aggregated at the receiver: A[k, u] = Σ_e U_e[k] t_e[u], then one product with W a node;
* **radial** paths (scalar × Y1 → vector) are factorised at the sender: z[k, w] = Σ_u W[k, u, w] s[u] once a node, then U_e z;
* **vector** paths (vector → vector) make the weights of some hundred edges at a time and use them at once.

Each class holds the weights of one output block in the order its products want, and collects their gradient. All work on chunks:
n nodes of one degree d with their e = n·d edges.
"""

import torch
from torch import Tensor

from molinteract.kernels.irreps import split_columns
from molinteract.kernels.paths import RADIAL_PATHS, SCALAR_PATHS, VECTOR_PATHS, ProductSpec
from molinteract.kernels.workspace import Workspace


def along(vectors: Tensor, directions: Tensor, *, out: Tensor) -> Tensor:
    """Write r̂·v into ``out`` (e, c), for vectors (e, 3, c) and r̂ (e, 3): three passes are faster than one product summed."""
    torch.mul(vectors[:, 0], directions[:, :1], out=out)
    out.addcmul_(vectors[:, 1], directions[:, 1:2])
    return out.addcmul_(vectors[:, 2], directions[:, 2:])


class ScalarPart:
    """One scalar output block, aggregated at the receivers.

    Attributes
    ----------
    weight : (K' u, w)
    """

    def __init__(self, spec: ProductSpec, block: str, *, weight: Tensor, bias: Tensor, gradient: bool) -> None:
        paths = spec.present(SCALAR_PATHS[block])
        self.block = block
        self.rows = spec.joint_slice(paths)
        self.u = sum(spec.size_in(path[0]) for path in paths)
        self.w = spec.size_out(block)
        self.scalar = next((spec.irreps_in.columns[p[0]] for p in paths if p[1] == 0), None)
        self.vector = next((spec.irreps_in.columns[p[0]] for p in paths if p[1] == 1), None)
        self.n_scalar = self.scalar.stop - self.scalar.start if self.scalar else 0
        self.weight = torch.cat([weight[self.rows].T, bias[self.rows].unsqueeze(0)]).view(-1, self.w)
        self.gradient = torch.zeros_like(self.weight) if gradient else None

    def native_gradient(self, k: int) -> Tensor:
        """Return the gradient of the weights as (K', weights in native order)."""
        assert self.gradient is not None
        return self.gradient.view(k, -1)

    def inputs(self, sent: Tensor, directions: Tensor, work: Workspace) -> Tensor:
        """Return t = [s ‖ r̂·v] of edges, (e, u), from the senders' planes (e, dim) and r̂ (e, 3)."""
        t = work(f"t{self.block}", sent.shape[0], self.u)
        if self.scalar is not None:
            t[:, : self.n_scalar].copy_(sent[:, self.scalar])
        if self.vector is not None:
            along(split_columns(sent[:, self.vector], 3), directions, out=t[:, self.n_scalar :])
        return t

    def aggregate(self, t: Tensor, activations: Tensor, work: Workspace) -> Tensor:
        """Return A, (n, K', u), from t (e, u) and U (n, d, K')."""
        n, d, k = activations.shape
        out = work(f"A{self.block}", n, k, self.u)
        if d == 1:
            return torch.mul(activations.view(n, k, 1), t.view(n, 1, self.u), out=out)
        return torch.bmm(activations.transpose(1, 2), t.view(n, d, self.u), out=out)

    def forward(self, t: Tensor, activations: Tensor, out: Tensor, work: Workspace) -> None:
        """Write sums over the edges of each node into ``out`` (n, w)."""
        aggregated = self.aggregate(t, activations, work)
        torch.mm(aggregated.view(aggregated.shape[0], -1), self.weight, out=out)

    def backward(self, t: Tensor, activations: Tensor, grad: Tensor, grad_hidden: Tensor, work: Workspace) -> Tensor:
        """Add to the gradients of weights and hidden (n, d, K); return that of t, (e, u), from that of the sums, (n, w)."""
        assert self.gradient is not None
        n, d, k = activations.shape
        aggregated = self.aggregate(t, activations, work)
        self.gradient.addmm_(aggregated.view(n, -1).T, grad)
        of_aggregated = torch.mm(grad, self.weight.T, out=work(f"A{self.block}", n, k * self.u)).view(n, k, self.u)
        grad_hidden.baddbmm_(t.view(n, d, self.u), of_aggregated[:, :-1].transpose(1, 2))
        out = work(f"gt{self.block}", n, d, self.u)
        return torch.bmm(activations, of_aggregated, out=out).view(n * d, self.u)


class RadialPart:
    """One path scalar × Y1 → vector, factorised at the senders; what it makes for an edge is still to be multiplied by r̂.

    Attributes
    ----------
    weight : (u, K' w)
    """

    def __init__(self, spec: ProductSpec, block: str, *, weight: Tensor, bias: Tensor, gradient: bool) -> None:
        path = RADIAL_PATHS[block]
        self.block = block
        self.rows = spec.slices[path]
        self.u, self.w = spec.path_shape(path)
        self.scalar = spec.irreps_in.columns[path[0]]
        native = torch.cat([weight[self.rows].T, bias[self.rows].unsqueeze(0)]).view(-1, self.u, self.w)
        self.weight = native.transpose(0, 1).reshape(self.u, -1)
        self.gradient = torch.zeros_like(self.weight) if gradient else None

    def native_gradient(self, k: int) -> Tensor:
        """Return the gradient of the weights as (K', weights in native order)."""
        assert self.gradient is not None
        return self.gradient.view(self.u, k, self.w).transpose(0, 1).reshape(k, -1)

    def factors(self, planes: Tensor, work: Workspace) -> Tensor:
        """Return z, (n, K', w), from the planes of senders (n, dim)."""
        n = planes.shape[0]
        z = torch.mm(planes[:, self.scalar], self.weight, out=work(f"z{self.block}", n, self.weight.shape[1]))
        return z.view(n, -1, self.w)

    def forward(self, planes: Tensor, activations: Tensor, out: Tensor, work: Workspace) -> None:
        """Write U z of each edge into ``out`` (n, d, w), in the order of senders."""
        torch.bmm(activations, self.factors(planes, work), out=out)

    def backward(
        self, planes: Tensor, activations: Tensor, grad: Tensor, grad_hidden: Tensor, work: Workspace, *, first: bool
    ) -> Tensor:
        """Add to the gradient of weights, write or add that of hidden (n, d, K); return that of the scalars (n, u)."""
        assert self.gradient is not None
        n, _, k = activations.shape
        factors = self.factors(planes, work)[:, :-1].transpose(1, 2)
        if first:
            torch.bmm(grad, factors, out=grad_hidden)
        else:
            grad_hidden.baddbmm_(grad, factors)
        of_factors = torch.bmm(activations.transpose(1, 2), grad, out=work(f"z{self.block}", n, k, self.w)).view(n, -1)
        self.gradient.addmm_(planes[:, self.scalar].T, of_factors)
        return of_factors @ self.weight.T


class VectorPart:
    """The paths from vectors to one vector block, or to both where they have the same shape; edge by edge in chunks.

    Attributes
    ----------
    weight : (K', blocks w u)
        u runs over (path, channel).
    """

    def __init__(
        self, spec: ProductSpec, blocks: tuple[str, ...], *, weight: Tensor, bias: Tensor, gradient: bool
    ) -> None:
        self.blocks = blocks
        self.paths = tuple(spec.present(VECTOR_PATHS[block]) for block in blocks)
        self.rows = spec.joint_slice(tuple(path for paths in self.paths for path in paths))
        self.u = sum(spec.size_in(path[0]) for path in self.paths[0])
        self.w = spec.size_out(blocks[0])
        self.columns = slice(spec.irreps_out.columns[blocks[0]].start, spec.irreps_out.columns[blocks[-1]].stop)
        native = torch.cat([weight[self.rows].T, bias[self.rows].unsqueeze(0)])
        self.weight = native.view(-1, len(blocks), self.u, self.w).transpose(2, 3).reshape(native.shape)
        self.gradient = torch.zeros_like(self.weight) if gradient else None

    def native_gradient(self, k: int) -> Tensor:
        """Return the gradient of the weights as (K', weights in native order)."""
        assert self.gradient is not None
        return self.gradient.view(k, len(self.blocks), self.w, self.u).transpose(2, 3).reshape(k, -1)

    def inputs(self, vectors: Tensor, operator: Tensor, work: Workspace) -> Tensor:
        """Return t of edges, (e blocks, 3, u), from the senders' vectors (e, 3 inputs, channels) and the geometry's operator."""
        out = work("T", vectors.shape[0], operator.shape[1], vectors.shape[2])
        return torch.bmm(operator, vectors, out=out).view(-1, 3, self.u)

    def weights(self, activations: Tensor, work: Workspace) -> Tensor:
        """Return the weights of edges, (e blocks, w, u), from U (e, K')."""
        out = work("w", activations.shape[0], self.weight.shape[1])
        return torch.mm(activations, self.weight, out=out).view(-1, self.w, self.u)

    def forward(self, t: Tensor, activations: Tensor, work: Workspace) -> Tensor:
        """Return messages (e blocks, 3, w)."""
        weights = self.weights(activations, work)
        return torch.bmm(t, weights.transpose(1, 2), out=work("m", t.shape[0], 3, self.w))

    def backward(
        self, t: Tensor, activations: Tensor, grad: Tensor, grad_hidden: Tensor, work: Workspace, *, first: bool
    ) -> Tensor:
        """Add to the gradient of weights, write or add that of hidden (e, K); return that of t, from that of messages."""
        assert self.gradient is not None
        weights = self.weights(activations, work)
        of_t = torch.bmm(grad, weights, out=work("gT", *t.shape))
        of_weights = torch.bmm(grad.transpose(1, 2), t, out=weights).view(activations.shape[0], -1)
        self.gradient.addmm_(activations.T, of_weights)
        if first:
            torch.mm(of_weights, self.weight[:-1].T, out=grad_hidden)
        else:
            grad_hidden.addmm_(of_weights, self.weight[:-1].T)
        return of_t
