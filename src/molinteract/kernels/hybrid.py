"""The convolution on a CPU: every part in its cheapest formulation, chunk by chunk, with the backward pass written by hand.

Weights of edges exist for one chunk at a time. Saved for the backward pass are only the arguments; what a chunk needs is made
again. Node features are in planes (:func:`molinteract.kernels.irreps.to_planes`).
"""

from typing import Any, TypedDict

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from molinteract.kernels.geometry import EdgeGeometry
from molinteract.kernels.irreps import split_columns
from molinteract.kernels.layout import Chunk
from molinteract.kernels.parts import RadialPart, ScalarPart, VectorPart
from molinteract.kernels.paths import RADIAL_PATHS, SCALAR_PATHS, VECTOR_PATHS, ProductSpec
from molinteract.kernels.segments import inverse_degrees, spread, sum_by_bucket
from molinteract.kernels.workspace import Workspace

MAX_NODES = 256
MAX_EDGES = 512
"""Nodes and edges of a chunk: large enough for the matrix products, small enough for the cache; flat between 128 and 4096."""


class HybridConvolution(torch.autograd.Function):
    """``edge_convolution`` on planes."""

    @staticmethod
    def forward(
        ctx: Any,
        planes: Tensor,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor,
        geometry: EdgeGeometry,
        spec: ProductSpec,
    ) -> Tensor:
        """Return (receivers, spec.irreps_out.dim) in planes."""
        ctx.save_for_backward(planes, hidden, weight, bias)
        ctx.geometry, ctx.spec = geometry, spec
        return _Convolution(planes, hidden, weight, bias, geometry, spec, gradient=False).forward()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of planes, hidden, weight and bias."""
        planes, hidden, weight, bias = ctx.saved_tensors
        call = _Convolution(planes, hidden, weight, bias, ctx.geometry, ctx.spec, gradient=True)
        return *call.backward(grad), None, None


class _Weights(TypedDict):
    weight: Tensor
    bias: Tensor
    gradient: bool


class _Convolution:
    """One pass over the chunks."""

    def __init__(
        self,
        planes: Tensor,
        hidden: Tensor,
        weight: Tensor,
        bias: Tensor,
        geometry: EdgeGeometry,
        spec: ProductSpec,
        *,
        gradient: bool,
    ) -> None:
        self.planes, self.hidden, self.weight = planes, hidden, weight
        self.geometry, self.layout, self.spec = geometry, geometry.layout, spec
        self.work = Workspace(planes)
        make: _Weights = {"weight": weight, "bias": bias, "gradient": gradient}
        self.scalars = [ScalarPart(spec, b, **make) for b, paths in SCALAR_PATHS.items() if spec.present(paths)]
        self.radials = [RadialPart(spec, b, **make) for b, path in RADIAL_PATHS.items() if path in spec.slices]
        self.vectors = [VectorPart(spec, b, **make) for b, paths in VECTOR_PATHS.items() if spec.present(paths)]
        self.inputs = tuple(b for b in ("1o", "1e") if spec.size_in(b))
        self.columns = spec.irreps_out.columns

    def forward(self) -> Tensor:
        radial = self._radial_messages()
        sums = self.planes.new_zeros(self.layout.receiving.nodes.shape[0] + 1, self.spec.irreps_out.dim)
        for chunk in self.layout.receiving.chunks(max_nodes=MAX_NODES, max_edges=MAX_EDGES):
            sent, activations = self._sent(chunk), self._activations(self.hidden[chunk.edge_slice])
            per_node = activations.view(chunk.nodes, chunk.degree, -1)
            r = self.geometry.directions[chunk.edge_slice]
            out = sums[chunk.node_slice]
            for scalar in self.scalars:
                scalar.forward(
                    scalar.inputs(sent, r, self.work), per_node, out[:, self.columns[scalar.block]], self.work
                )
            for block, width in (("1o", self.spec.irreps_out.n1o), ("1e", self.spec.irreps_out.n1e)):
                messages = self._vector_messages(block, width, chunk, sent, activations, radial)
                if messages is not None:
                    per_node_messages = messages.view(chunk.nodes, chunk.degree, -1)
                    torch.sum(per_node_messages, dim=1, out=out[:, self.columns[block]])
        sums[:-1] *= self._scale(sums)
        return spread(sums, self.layout.receiving)

    def backward(self, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        layout = self.layout
        grad = grad.index_select(0, layout.receiving.nodes)
        grad *= self._scale(grad)
        of_sent = self.planes.new_zeros(layout.n_edges, self.planes.shape[1])
        of_hidden = self.hidden.new_empty(self.hidden.shape)
        of_radial = {part.block: self.planes.new_empty(layout.n_edges, part.w) for part in self.radials}
        for chunk in layout.receiving.chunks(max_nodes=MAX_NODES, max_edges=MAX_EDGES):
            self._chunk_backward(chunk, grad[chunk.node_slice], of_sent, of_hidden, of_radial)
        of_planes = sum_by_bucket(of_sent.index_select(0, layout.by_sender), layout.sending)
        if self.radials:
            of_hidden += self._radial_backward(of_radial, of_planes).index_select(0, layout.from_sender)
        weight, bias = self._parameter_gradients()
        return spread(of_planes, layout.sending), of_hidden, weight, bias

    def _sent(self, chunk: Chunk) -> Tensor:
        senders = self.layout.senders[chunk.edge_slice]
        out = self.work("sent", senders.shape[0], self.planes.shape[1])
        return torch.index_select(self.planes, 0, senders, out=out)

    def _activations(self, hidden: Tensor) -> Tensor:
        """Return U = [hidden, 1], (e, K')."""
        out = self.work("U", hidden.shape[0], hidden.shape[1] + 1)
        out[:, :-1].copy_(hidden)
        out[:, -1].fill_(1.0)
        return out

    def _vectors(self, sent: Tensor) -> Tensor:
        """Return the senders' vectors, (e, 3 inputs, channels)."""
        first, last = self.spec.irreps_in.columns["1o"].start, self.spec.irreps_in.columns["1e"].stop
        rows = 3 * len(self.inputs)
        return split_columns(sent[:, first:last], rows)

    def _radial_messages(self) -> dict[str, Tensor]:
        out = {part.block: self.planes.new_empty(self.layout.n_edges, part.w) for part in self.radials}
        if not self.radials:
            return out
        for chunk in self.layout.sending.chunks(max_nodes=MAX_NODES, max_edges=MAX_EDGES):
            hidden = self.hidden.index_select(0, self.layout.by_sender[chunk.edge_slice])
            activations = self._activations(hidden).view(chunk.nodes, chunk.degree, -1)
            planes = self.planes.index_select(0, self.layout.sending.nodes[chunk.node_slice])
            for part in self.radials:
                target = out[part.block][chunk.edge_slice].view(chunk.nodes, chunk.degree, -1)
                part.forward(planes, activations, target, self.work)
        return {block: q.index_select(0, self.layout.from_sender) for block, q in out.items()}

    def _vector_messages(
        self, block: str, width: int, chunk: Chunk, sent: Tensor, activations: Tensor, radial: dict[str, Tensor]
    ) -> Tensor | None:
        """Return messages of one vector block, (e, 3, w)."""
        part = next((p for p in self.vectors if p.block == block), None)
        messages = None
        if part is not None:
            operator = self.geometry.operator(self.inputs, part.paths)[chunk.edge_slice]
            t = part.inputs(self._vectors(sent), operator, self.work)
            messages = part.forward(t, activations, self.work)
        if block in radial:
            r = self.geometry.directions[chunk.edge_slice].unsqueeze(2)
            q = radial[block][chunk.edge_slice].unsqueeze(1)
            messages = r * q if messages is None else messages.addcmul_(r, q)
        return messages

    def _chunk_backward(
        self, chunk: Chunk, grad: Tensor, of_sent: Tensor, of_hidden: Tensor, of_radial: dict[str, Tensor]
    ) -> None:
        edges = chunk.edge_slice
        sent, activations = self._sent(chunk), self._activations(self.hidden[edges])
        shape = (chunk.nodes, chunk.degree, activations.shape[1])
        of_activations = self.work("gU", *activations.shape).zero_()
        r, of_sent = self.geometry.directions[edges], of_sent[edges]
        for scalar in self.scalars:
            t = scalar.inputs(sent, r, self.work)
            part = grad[:, self.columns[scalar.block]]
            of_t = scalar.backward(t, activations.view(shape), part, of_activations.view(shape), self.work)
            if scalar.scalar is not None:
                of_sent[:, scalar.scalar] = of_t[:, : scalar.n_scalar]
            if scalar.vector is not None:
                of_vector = split_columns(of_sent[:, scalar.vector], 3)
                torch.mul(r.unsqueeze(2), of_t[:, None, scalar.n_scalar :], out=of_vector)
        for block in ("1o", "1e"):
            if not self.spec.size_out(block):
                continue
            width = self.spec.size_out(block)
            per_node = split_columns(grad[:, self.columns[block]], 3)
            of_messages = self.work("gm", chunk.nodes, chunk.degree, 3, width)
            of_messages.copy_(per_node.unsqueeze(1).expand_as(of_messages))
            of_messages = of_messages.view(-1, 3, width)
            if block in of_radial:
                torch.sum(of_messages * r.unsqueeze(2), dim=1, out=of_radial[block][edges])
            vector = next((p for p in self.vectors if p.block == block), None)
            if vector is not None:
                operator = self.geometry.operator(self.inputs, vector.paths)[edges]
                t = vector.inputs(self._vectors(sent), operator, self.work)
                of_t = vector.backward(t, activations, of_messages, of_activations, self.work)
                of_vectors = torch.bmm(operator.transpose(1, 2), of_t.view(*operator.shape[:2], -1))
                self._vectors(of_sent).add_(of_vectors)
        of_hidden[edges] = of_activations[:, :-1]

    def _radial_backward(self, of_radial: dict[str, Tensor], of_planes: Tensor) -> Tensor:
        """Add to the gradient of the sending nodes; return that of ``hidden`` in the order of senders."""
        layout = self.layout
        out = self.hidden.new_empty(self.hidden.shape)
        for chunk in layout.sending.chunks(max_nodes=MAX_NODES, max_edges=MAX_EDGES):
            edges = layout.by_sender[chunk.edge_slice]
            shape = (chunk.nodes, chunk.degree, -1)
            activations = self._activations(self.hidden.index_select(0, edges)).view(shape)
            planes = self.planes.index_select(0, layout.sending.nodes[chunk.node_slice])
            of_activations = self.work("gU", *activations.shape).zero_()
            for part in self.radials:
                of_messages = of_radial[part.block].index_select(0, edges).view(shape)
                of_scalar = part.backward(planes, activations, of_messages, of_activations, self.work)
                of_planes[chunk.node_slice, part.scalar] += of_scalar
            out[chunk.edge_slice] = of_activations.view(-1, activations.shape[2])[:, :-1]
        return out

    def _scale(self, like: Tensor) -> Tensor:
        """Return normalisation / degree of every number of the active receivers."""
        columns = like.new_zeros(self.spec.irreps_out.dim)
        for block, where in self.columns.items():
            columns[where] = self.spec.scale(block)
        return inverse_degrees(self.layout.receiving, like=like) * columns

    def _parameter_gradients(self) -> tuple[Tensor, Tensor]:
        k = self.hidden.shape[1] + 1
        weight, bias = torch.empty_like(self.weight), self.weight.new_empty(self.weight.shape[0])
        parts: list[ScalarPart | RadialPart | VectorPart] = [*self.scalars, *self.radials, *self.vectors]
        for part in parts:
            native = part.native_gradient(k)
            weight[part.rows] = native[:-1].T
            bias[part.rows] = native[-1]
        return weight, bias
