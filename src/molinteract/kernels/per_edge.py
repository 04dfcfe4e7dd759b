"""The convolution on a GPU: the weights of many edges at a time, made once more in the backward pass, which is written by hand.

A GPU waits for whoever launches its work, so what counts beside the bytes is the number of operations: paths of equal shape
share one product, and nothing depends on the degrees of a batch. Nothing is read back to the host. Messages are summed without
atomics, always in the same order. Features are in planes (:func:`molinteract.kernels.irreps.to_planes`).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from molinteract.kernels.geometry import EdgeGeometry
from molinteract.kernels.irreps import split_columns
from molinteract.kernels.paths import RADIAL_PATHS, SCALAR_PATHS, VECTOR_PATHS, Path, ProductSpec
from molinteract.kernels.segments import spread, sum_at_nodes

CHUNK = 65_536
"""Edges at a time: 810 MB of weights in float32 for the largest of the three products of ``paper``; a batch of 256 patches is
one chunk."""


class PerEdgeConvolution(torch.autograd.Function):
    """``edge_convolution`` on planes, edge by edge."""

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
        layout, products = geometry.layout, _products(spec)
        chunks = []
        for edges in _chunks(layout.n_edges):
            terms = _Terms(planes, geometry, edges, spec)
            made = {p: terms.messages(p, p.weights(_cut(hidden, edges), weight, bias)) for p in products}
            chunks.append(terms.joined(made))
        none = planes.new_empty(0, spec.irreps_out.dim)
        messages = chunks[0] if len(chunks) == 1 else torch.cat([none, *chunks])
        sums = sum_at_nodes(messages, layout.receiving)
        sums[:-1] *= geometry.shares * spec.column_scale(sums)
        return spread(sums, layout.receiving)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of planes, hidden, weight and bias."""
        planes, hidden, weight, bias = ctx.saved_tensors
        geometry, spec = ctx.geometry, ctx.spec
        layout, products = geometry.layout, _products(spec)
        active = grad.index_select(0, layout.receiving.nodes)
        active *= geometry.shares * spec.column_scale(grad)
        of_messages = active.index_select(0, layout.receiving.slots.index_select(0, layout.receivers))
        of_sent, of_hidden = planes.new_empty(layout.n_edges, planes.shape[1]), torch.zeros_like(hidden)
        of_weight, of_bias = torch.zeros_like(weight), torch.zeros_like(bias)
        for edges in _chunks(layout.n_edges):
            terms, activations, of_terms = _Terms(planes, geometry, edges, spec), _cut(hidden, edges), {}
            for p in products:
                g = terms.gradient_of_messages(p, _cut(of_messages, edges))
                of_terms[p] = torch.bmm(g, p.weights(activations, weight, bias).transpose(1, 2))
                of_made = torch.bmm(terms.inputs(p).transpose(1, 2), g).view(-1, p.numel)
                _cut(of_hidden, edges).addmm_(of_made, weight[p.rows])
                of_weight[p.rows].addmm_(of_made.T, activations)
                of_bias[p.rows].add_(of_made.sum(0))
            _cut(of_sent, edges).copy_(terms.gradient_of_sent(of_terms))
        of_planes = sum_at_nodes(of_sent.index_select(0, layout.by_sender), layout.sending)
        return spread(of_planes, layout.sending), of_hidden, of_weight, of_bias, None, None


def _chunks(n_edges: int) -> list[slice]:
    return [slice(start, min(start + CHUNK, n_edges)) for start in range(0, n_edges, CHUNK)]


def _cut(values: Tensor, edges: slice) -> Tensor:
    """Return the part of some edges; without an operation where that is all."""
    return values if edges.stop - edges.start == values.shape[0] else values[edges]


@dataclass(frozen=True, slots=True, eq=False)
class _Product:
    """Output blocks of one kind whose weights have the same shape, and so are used in one batched product.

    Attributes
    ----------
    kind : str
        ``scalar``, ``radial`` or ``vector``.
    paths : tuple of (block, paths)
        Paths to each block.
    rows : slice
        Of the last layer of Ψ.
    u, w : int
        Inputs, all paths of a block together, and outputs.
    """

    kind: str
    paths: tuple[tuple[str, tuple[Path, ...]], ...]
    rows: slice
    u: int
    w: int

    @property
    def numel(self) -> int:
        """Weights of one edge."""
        return len(self.paths) * self.u * self.w

    def weights(self, hidden: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Return the weights of edges, (edges blocks, u, w)."""
        return torch.addmm(bias[self.rows], hidden, weight[self.rows].T).view(-1, self.u, self.w)


@lru_cache(maxsize=64)
def _products(spec: ProductSpec) -> tuple[_Product, ...]:
    """Return the products of a spec: both blocks of a kind in one where their shapes agree."""
    kinds: dict[str, dict[str, tuple[Path, ...]]] = {
        "scalar": SCALAR_PATHS,
        "radial": {block: (path,) for block, path in RADIAL_PATHS.items()},
        "vector": VECTOR_PATHS,
    }
    found = []
    for kind, blocks in kinds.items():
        present = [(block, spec.present(paths)) for block, paths in blocks.items() if spec.present(paths)]
        shapes = [[spec.path_shape(path) for path in paths] for _, paths in present]
        together = [present] if len(present) == 2 and shapes[0] == shapes[1] else [[one] for one in present]
        for group in together:
            rows = spec.joint_slice(tuple(path for _, paths in group for path in paths))
            u = sum(spec.size_in(path[0]) for path in group[0][1])
            found.append(_Product(kind, tuple(group), rows, u, spec.size_out(group[0][0])))
    return tuple(found)


class _Terms:
    """What the products of some edges take and give: t of every path (see :mod:`molinteract.kernels.tensor_product`)."""

    def __init__(self, planes: Tensor, geometry: EdgeGeometry, edges: slice, spec: ProductSpec) -> None:
        self.geometry, self.edges, self.spec = geometry, edges, spec
        self.sent = sent = planes.index_select(0, _cut(geometry.layout.senders, edges))
        self.r = _cut(geometry.directions, edges)
        self.columns = spec.irreps_in.columns
        self.vectors_in = tuple(block for block in ("1o", "1e") if spec.size_in(block))
        start, stop = self.columns["1o"].start, self.columns["1e"].stop
        # (edges, 3 inputs, channels)
        self.vectors = split_columns(sent[:, start:stop], 3 * len(self.vectors_in)) if self.vectors_in else None
        self._inputs: dict[_Product, Tensor] = {}

    def inputs(self, product: _Product) -> Tensor:
        """Return t, (edges blocks, components, u)."""
        if product not in self._inputs:
            self._inputs[product] = self._made(product)
        return self._inputs[product]

    def messages(self, product: _Product, weights: Tensor) -> Tensor:
        """Return what a product gives, (edges, blocks, components, w), from weights (edges blocks, u, w)."""
        made = torch.bmm(self.inputs(product), weights)
        return made.view(self.sent.shape[0], len(product.paths), -1, product.w)

    def joined(self, made: dict[_Product, Tensor]) -> Tensor:
        """Return messages (edges, spec.irreps_out.dim)."""
        blocks: dict[str, Tensor] = {}
        # radial ones come last: they are multiplied by r̂ and added to what vectors have made
        for product in sorted(made, key=lambda p: p.kind == "radial"):
            for k, (block, _) in enumerate(product.paths):
                part = made[product][:, k]
                if product.kind == "radial":
                    part = self.r.unsqueeze(2) * part
                blocks[block] = blocks[block].add_(part) if block in blocks else part
        parts = []
        for block, where in self.spec.irreps_out.columns.items():
            if block in blocks:
                parts.append(blocks[block].flatten(1))
            elif where.stop > where.start:
                parts.append(self.sent.new_zeros(self.sent.shape[0], where.stop - where.start))
        return torch.cat(parts, dim=1)

    def gradient_of_messages(self, product: _Product, grad: Tensor) -> Tensor:
        """Return the gradient of what a product gave, (edges blocks, components, w), from that of messages."""
        out, n = self.spec.irreps_out.columns, grad.shape[0]
        parts = [grad[:, out[block]] for block, _ in product.paths]
        if product.kind == "radial":
            parts = [torch.bmm(self.r.unsqueeze(1), split_columns(part, 3)).squeeze(1) for part in parts]
        whole = torch.cat(parts, dim=1)
        return whole.view(n * len(parts), -1, product.w)

    def gradient_of_sent(self, of_terms: dict[_Product, Tensor]) -> Tensor:
        """Return the gradient of the senders' planes, (edges, dim), from those of t, (edges blocks, components, u)."""
        n = self.sent.shape[0]
        scalars: dict[str, Tensor] = {}
        dots: dict[str, Tensor] = {}
        of_vectors: Tensor | None = None
        for product, grad in of_terms.items():
            if product.kind == "vector":
                operator = self._operator(product)
                back = torch.bmm(operator.transpose(1, 2), grad.view(n, operator.shape[1], -1))
                of_vectors = back if of_vectors is None else of_vectors.add_(back)
                continue
            for k, (_, paths) in enumerate(product.paths):
                sizes = [self.spec.size_in(path[0]) for path in paths]
                for path, part in zip(
                    paths, torch.split(grad.view(n, len(product.paths), -1)[:, k], sizes, dim=1), strict=True
                ):
                    into = scalars if path[0].startswith("0") else dots
                    into[path[0]] = into[path[0]] + part if path[0] in into else part
        if dots:
            both = torch.cat([dots[b] if b in dots else self._none(b) for b in self.vectors_in], dim=1)
            back = torch.bmm(self._dots().transpose(1, 2), both.view(n, len(self.vectors_in), -1))
            of_vectors = back if of_vectors is None else of_vectors.add_(back)
        parts = [scalars[b] if b in scalars else self._none(b) for b in ("0e", "0o")]
        if self.vectors is None:
            return torch.cat(parts, dim=1)
        middle = torch.zeros_like(self.vectors) if of_vectors is None else of_vectors
        return torch.cat([parts[0], middle.flatten(1), parts[1]], dim=1)

    def _made(self, product: _Product) -> Tensor:
        n, blocks = self.sent.shape[0], len(product.paths)
        if product.kind == "vector":
            assert self.vectors is not None
            return torch.bmm(self._operator(product), self.vectors).view(n * blocks, 3, product.u)
        paths = [path for _, paths in product.paths for path in paths]
        products = None
        if self.vectors is not None and any(path[0].startswith("1") for path in paths):
            products = torch.bmm(self._dots(), self.vectors)  # (edges, inputs, channels)
        parts = [
            self.sent[:, self.columns[path[0]]]
            if products is None or path[0].startswith("0")
            else products[:, self.vectors_in.index(path[0])]
            for path in paths
        ]
        return torch.cat(parts, dim=1).view(n * blocks, 1, product.u)

    def _operator(self, product: _Product) -> Tensor:
        operator = self.geometry.operator(self.vectors_in, tuple(paths for _, paths in product.paths))
        return _cut(operator, self.edges)

    def _dots(self) -> Tensor:
        return _cut(self.geometry.dots(len(self.vectors_in)), self.edges)

    def _none(self, block: str) -> Tensor:
        """Return the gradient of a block of scalars, or of its r̂·v, that nothing took."""
        return self.sent.new_zeros(self.sent.shape[0], self.spec.size_in(block))
