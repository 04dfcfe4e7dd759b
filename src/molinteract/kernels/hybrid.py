"""The convolution on a CPU: every part in its cheapest formulation, chunk by chunk, with the backward pass written by hand.

Weights of edges exist for one chunk at a time. Saved for the backward pass are only the arguments; what a chunk needs is made
again. Node features are in planes (:func:`molinteract.kernels.irreps.to_planes`).
"""

from typing import Any, TypedDict

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from molinteract.kernels import choice
from molinteract.kernels.aggregated import AggregatedVector
from molinteract.kernels.geometry import EdgeGeometry
from molinteract.kernels.irreps import split_columns
from molinteract.kernels.layout import Chunk
from molinteract.kernels.parts import RadialPart, ScalarPart, VectorPart, along
from molinteract.kernels.paths import RADIAL_PATHS, SCALAR_PATHS, VECTOR_PATHS, ProductSpec
from molinteract.kernels.segments import spread, sum_at_nodes
from molinteract.kernels.workspace import Workspace


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
        self.planes, self.weight = planes, weight
        self.activations = torch.cat([hidden, hidden.new_ones(hidden.shape[0], 1)], dim=1)
        self.geometry, self.layout, self.spec = geometry, geometry.layout, spec
        self.work = Workspace(planes)
        make: _Weights = {"weight": weight, "bias": bias, "gradient": gradient}
        self.scalars = [ScalarPart(spec, b, **make) for b, paths in SCALAR_PATHS.items() if spec.present(paths)]
        self.radials = [RadialPart(spec, b, **make) for b, path in RADIAL_PATHS.items() if path in spec.slices]
        self.vectors = [VectorPart(spec, blocks, **make) for blocks in _vector_blocks(spec)]
        dense = any(self._dense(bucket) for bucket in self.layout.receiving.buckets)
        self.aggregated = [AggregatedVector(part) for part in self.vectors] if dense else []
        self.inputs = tuple(b for b in ("1o", "1e") if spec.size_in(b))
        self.columns = spec.irreps_out.columns

    def forward(self) -> Tensor:
        radial = self._radial_messages()
        sums = self.planes.new_zeros(self.layout.receiving.nodes.shape[0] + 1, self.spec.irreps_out.dim)
        for chunk in self.layout.receiving.chunks(max_nodes=choice.MAX_NODES, max_edges=choice.MAX_EDGES):
            edges, out = chunk.edge_slice, sums[chunk.node_slice]
            sent, r = self._sent(chunk), self.geometry.directions[edges]
            activations = self.activations[edges]
            per_node = activations.view(chunk.nodes, chunk.degree, -1)
            for scalar in self.scalars:
                t = scalar.inputs(sent, r, self.work)
                scalar.forward(t, per_node, out[:, self.columns[scalar.block]], self.work)
            for k, vector in enumerate(self.vectors):
                operator = self.geometry.operator(self.inputs, vector.paths)[edges]
                t = vector.inputs(self._vectors(sent), operator, self.work)
                if self._dense(chunk):
                    out[:, vector.columns] = self.aggregated[k].forward(t, per_node, self.work)
                    for block in vector.blocks:
                        if block in radial:
                            self._add_radial(out[:, self.columns[block]], radial[block][edges], r, chunk)
                    continue
                messages = vector.forward(t, activations, self.work).view(len(r), len(vector.blocks), 3, -1)
                for j, block in enumerate(vector.blocks):
                    if block in radial:
                        messages[:, j].addcmul_(r.unsqueeze(2), radial[block][edges].unsqueeze(1))
                torch.sum(messages.view(chunk.nodes, chunk.degree, -1), dim=1, out=out[:, vector.columns])
            for block in self._only_radial():
                self._add_radial(out[:, self.columns[block]], radial[block][edges], r, chunk)
        sums[:-1] *= self._scale()
        return spread(sums, self.layout.receiving)

    def backward(self, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        layout = self.layout
        grad = grad.index_select(0, layout.receiving.nodes)
        grad *= self._scale()
        of_sent = self.planes.new_zeros(layout.n_edges, self.planes.shape[1])
        of_hidden = self.planes.new_empty(layout.n_edges, self.activations.shape[1] - 1)
        of_radial = {part.block: self.planes.new_empty(layout.n_edges, part.w) for part in self.radials}
        for chunk in layout.receiving.chunks(max_nodes=choice.MAX_NODES, max_edges=choice.MAX_EDGES):
            self._chunk_backward(chunk, grad[chunk.node_slice], of_sent, of_hidden, of_radial)
        of_planes = sum_at_nodes(of_sent.index_select(0, layout.by_sender), layout.sending)
        if self.radials:
            of_hidden += self._radial_backward(of_radial, of_planes).index_select(0, layout.from_sender)
        weight, bias = self._parameter_gradients()
        return spread(of_planes, layout.sending), of_hidden, weight, bias

    def _dense(self, chunk: Chunk) -> bool:
        return choice.vectors_aggregated(chunk.degree, self.activations.shape[1] - 1)

    def _add_radial(self, out: Tensor, radial: Tensor, r: Tensor, chunk: Chunk) -> None:
        """Add Σ_e r̂_e q_e to ``out`` (n, 3 w) from q (e, w)."""
        directions = r.view(chunk.nodes, chunk.degree, 3).transpose(1, 2)
        out += torch.bmm(directions, radial.view(chunk.nodes, chunk.degree, -1)).view(out.shape)

    def _sent(self, chunk: Chunk) -> Tensor:
        senders = self.layout.senders[chunk.edge_slice]
        out = self.work("sent", senders.shape[0], self.planes.shape[1])
        return torch.index_select(self.planes, 0, senders, out=out)

    def _vectors(self, sent: Tensor) -> Tensor:
        """Return the senders' vectors, (e, 3 inputs, channels)."""
        first, last = self.spec.irreps_in.columns["1o"].start, self.spec.irreps_in.columns["1e"].stop
        return split_columns(sent[:, first:last], 3 * len(self.inputs))

    def _only_radial(self) -> list[str]:
        """Return the vector blocks that no vector reaches."""
        reached = {block for part in self.vectors for block in part.blocks}
        return [part.block for part in self.radials if part.block not in reached]

    def _radial_messages(self) -> dict[str, Tensor]:
        """Return q of all edges, to be multiplied by r̂."""
        layout = self.layout
        out = {part.block: self.planes.new_empty(layout.n_edges, part.w) for part in self.radials}
        if not self.radials:
            return out
        all_activations = self.activations.index_select(0, layout.by_sender)
        all_planes = self.planes.index_select(0, layout.sending.nodes)
        for chunk in layout.sending.chunks(max_nodes=choice.MAX_NODES, max_edges=choice.MAX_EDGES):
            activations = all_activations[chunk.edge_slice].view(chunk.nodes, chunk.degree, -1)
            for part in self.radials:
                target = out[part.block][chunk.edge_slice].view(chunk.nodes, chunk.degree, -1)
                part.forward(all_planes[chunk.node_slice], activations, target, self.work)
        return {block: q.index_select(0, layout.from_sender) for block, q in out.items()}

    def _chunk_backward(
        self, chunk: Chunk, grad: Tensor, of_sent: Tensor, of_hidden: Tensor, of_radial: dict[str, Tensor]
    ) -> None:
        edges = chunk.edge_slice
        sent, activations, r = self._sent(chunk), self.activations[edges], self.geometry.directions[edges]
        of_sent, of_hidden = of_sent[edges], of_hidden[edges]
        shape = (chunk.nodes, chunk.degree, -1)
        if not self.vectors:
            of_hidden.zero_()
        for k, vector in enumerate(self.vectors):
            operator = self.geometry.operator(self.inputs, vector.paths)[edges]
            t = vector.inputs(self._vectors(sent), operator, self.work)
            of_messages = self._of_messages(chunk, grad[:, vector.columns])
            if self._dense(chunk):
                if k == 0:
                    of_hidden.zero_()
                per_node = activations.view(shape), grad[:, vector.columns], of_hidden.view(shape)
                of_t = self.aggregated[k].backward(t, *per_node, self.work)
            else:
                of_t = vector.backward(
                    t, activations, of_messages.view(-1, 3, vector.w), of_hidden, self.work, first=k == 0
                )
            of_vectors = torch.bmm(operator.transpose(1, 2), of_t.view(*operator.shape[:2], -1))
            self._vectors(of_sent).add_(of_vectors)
            for j, block in enumerate(vector.blocks):
                if block in of_radial:
                    part = of_messages.view(len(r), len(vector.blocks), 3, -1)[:, j]
                    along(part, r, out=of_radial[block][edges])
        for block in self._only_radial():
            of_messages = self._of_messages(chunk, grad[:, self.columns[block]]).view(len(r), 3, -1)
            along(of_messages, r, out=of_radial[block][edges])
        for scalar in self.scalars:
            t = scalar.inputs(sent, r, self.work)
            part = grad[:, self.columns[scalar.block]]
            of_t = scalar.backward(t, activations.view(shape), part, of_hidden.view(shape), self.work)
            if scalar.scalar is not None:
                of_sent[:, scalar.scalar] = of_t[:, : scalar.n_scalar]
            if scalar.vector is not None:
                of_vector = split_columns(of_sent[:, scalar.vector], 3)
                of_vector.addcmul_(r.unsqueeze(2), of_t[:, None, scalar.n_scalar :])

    def _of_messages(self, chunk: Chunk, per_node: Tensor) -> Tensor:
        out = self.work("gm", chunk.nodes, chunk.degree, per_node.shape[1])
        return out.copy_(per_node.unsqueeze(1).expand_as(out))

    def _radial_backward(self, of_radial: dict[str, Tensor], of_planes: Tensor) -> Tensor:
        """Add to the gradient of the sending nodes; return that of ``hidden`` in the order of senders."""
        layout = self.layout
        all_activations = self.activations.index_select(0, layout.by_sender)
        all_planes = self.planes.index_select(0, layout.sending.nodes)
        of_messages = {block: grad.index_select(0, layout.by_sender) for block, grad in of_radial.items()}
        out = self.planes.new_empty(layout.n_edges, all_activations.shape[1] - 1)
        for chunk in layout.sending.chunks(max_nodes=choice.MAX_NODES, max_edges=choice.MAX_EDGES):
            shape = (chunk.nodes, chunk.degree, -1)
            activations, of_hidden = all_activations[chunk.edge_slice].view(shape), out[chunk.edge_slice].view(shape)
            for k, part in enumerate(self.radials):
                grad = of_messages[part.block][chunk.edge_slice].view(shape)
                planes = all_planes[chunk.node_slice]
                of_scalar = part.backward(planes, activations, grad, of_hidden, self.work, first=k == 0)
                of_planes[chunk.node_slice, part.scalar] += of_scalar
        return out

    def _scale(self) -> Tensor:
        """Return normalisation / degree of every number of the active receivers."""
        return self.geometry.shares * self.spec.column_scale(self.planes)

    def _parameter_gradients(self) -> tuple[Tensor, Tensor]:
        k = self.activations.shape[1]
        for whole in self.aggregated:
            assert whole.part.gradient is not None
            whole.part.gradient += whole.stored_gradient()
        weight, bias = torch.empty_like(self.weight), self.weight.new_empty(self.weight.shape[0])
        parts: list[ScalarPart | RadialPart | VectorPart] = [*self.scalars, *self.radials, *self.vectors]
        for part in parts:
            native = part.native_gradient(k)
            weight[part.rows] = native[:-1].T
            bias[part.rows] = native[-1]
        return weight, bias


def _vector_blocks(spec: ProductSpec) -> list[tuple[str, ...]]:
    """Return the vector outputs that vectors reach; both together where all their shapes agree."""
    blocks = [block for block, paths in VECTOR_PATHS.items() if spec.present(paths)]
    inputs = [sum(spec.size_in(path[0]) for path in spec.present(VECTOR_PATHS[block])) for block in blocks]
    if len(blocks) == 2 and inputs[0] == inputs[1] and spec.irreps_out.n1o == spec.irreps_out.n1e:
        return [("1o", "1e")]
    return [(block,) for block in blocks]
