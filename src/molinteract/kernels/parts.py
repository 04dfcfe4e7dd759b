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
            v = split_columns(sent[:, self.vector], 3)
            torch.sum(v * directions.unsqueeze(2), dim=1, out=t[:, self.n_scalar :])
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

    def backward(
        self, t: Tensor, activations: Tensor, grad: Tensor, grad_activations: Tensor, work: Workspace
    ) -> Tensor:
        """Add to the gradients of weights and U (n, d, K'); return that of t, (e, u), from that of the sums, (n, w)."""
        assert self.gradient is not None
        n, d, k = activations.shape
        aggregated = self.aggregate(t, activations, work)
        self.gradient.addmm_(aggregated.view(n, -1).T, grad)
        of_aggregated = torch.mm(grad, self.weight.T, out=work(f"A{self.block}", n, k * self.u)).view(n, k, self.u)
        grad_activations.baddbmm_(t.view(n, d, self.u), of_aggregated.transpose(1, 2))
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
        self, planes: Tensor, activations: Tensor, grad: Tensor, grad_activations: Tensor, work: Workspace
    ) -> Tensor:
        """Add to the gradients of weights and U; return that of the scalars (n, u), from that of ``forward``'s (n, d, w)."""
        assert self.gradient is not None
        n, _, k = activations.shape
        grad_activations.baddbmm_(grad, self.factors(planes, work).transpose(1, 2))
        of_factors = torch.bmm(activations.transpose(1, 2), grad, out=work(f"z{self.block}", n, k, self.w)).view(n, -1)
        self.gradient.addmm_(planes[:, self.scalar].T, of_factors)
        return of_factors @ self.weight.T


class VectorPart:
    """The paths from vectors to one vector block, edge by edge in chunks.

    Attributes
    ----------
    weight : (K', w u)
        u runs over (path, channel).
    """

    def __init__(self, spec: ProductSpec, block: str, *, weight: Tensor, bias: Tensor, gradient: bool) -> None:
        self.block = block
        self.paths = spec.present(VECTOR_PATHS[block])
        self.rows = spec.joint_slice(self.paths)
        self.u = sum(spec.size_in(path[0]) for path in self.paths)
        self.w = spec.size_out(block)
        native = torch.cat([weight[self.rows].T, bias[self.rows].unsqueeze(0)]).view(-1, self.u, self.w)
        self.weight = native.transpose(1, 2).reshape(-1, self.w * self.u)
        self.gradient = torch.zeros_like(self.weight) if gradient else None

    def native_gradient(self, k: int) -> Tensor:
        """Return the gradient of the weights as (K', weights in native order)."""
        assert self.gradient is not None
        return self.gradient.view(k, self.w, self.u).transpose(1, 2).reshape(k, -1)

    def inputs(self, vectors: Tensor, operator: Tensor, work: Workspace) -> Tensor:
        """Return t of edges, (e, 3, u), from the senders' vectors (e, 3 inputs, channels) and the geometry's operator."""
        e = vectors.shape[0]
        out = work(f"T{self.block}", e, operator.shape[1], vectors.shape[2])
        return torch.bmm(operator, vectors, out=out).view(e, 3, self.u)

    def weights(self, activations: Tensor, work: Workspace) -> Tensor:
        """Return the weights of edges, (e, w, u), from U (e, K')."""
        e = activations.shape[0]
        out = work(f"w{self.block}", e, self.w * self.u)
        return torch.mm(activations, self.weight, out=out).view(e, self.w, self.u)

    def forward(self, t: Tensor, activations: Tensor, work: Workspace) -> Tensor:
        """Return messages (e, 3, w)."""
        out = work(f"m{self.block}", t.shape[0], 3, self.w)
        return torch.bmm(t, self.weights(activations, work).transpose(1, 2), out=out)

    def backward(
        self, t: Tensor, activations: Tensor, grad: Tensor, grad_activations: Tensor, work: Workspace
    ) -> Tensor:
        """Add to the gradients of weights and U (e, K'); return that of t, (e, 3, u), from that of messages (e, 3, w)."""
        assert self.gradient is not None
        e = t.shape[0]
        weights = self.weights(activations, work)
        of_t = torch.bmm(grad, weights, out=work(f"gT{self.block}", e, 3, self.u))
        of_weights = torch.bmm(grad.transpose(1, 2), t, out=weights).view(e, -1)
        self.gradient.addmm_(activations.T, of_weights)
        grad_activations.addmm_(of_weights, self.weight.T)
        return of_t
