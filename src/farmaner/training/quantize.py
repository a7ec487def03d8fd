"""Quantize: an exported model with its weights, embeddings and matrix products in 8 bits.

Weights are int8 with one scale an output, embeddings int8 with one scale a row. A product with as
many outputs as inputs is `DynamicQuantizeMatMul`: activations in uint8, one scale a call, and a
call reads one window. Others are those of a feed-forward block, and there the first and the last
piece of a window are some ten times larger than the rest, which one scale would crush: each piece
has a scale of its own.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

_LEVELS = 127
_MIDDLE = 128  # the uint8 that stands for 0
_LEAST_OUTPUTS = 32  # a smaller product, such as the tagging head, stays in float32
_RUNTIME = "com.microsoft"
_CONSTANTS = {
    "one": np.float32(1),
    "level": np.float32(1 / _LEVELS),
    "least_scale": np.float32(1e-9),  # of a piece that is 0 all over
    "middle": np.uint8(_MIDDLE),
    "last_axis": np.asarray([-1], dtype=np.int64),
}

Array = NDArray[Any]


def write_int8(path: Path, path_int8: Path) -> None:
    """Write a copy of a float32 ONNX model of one window a call, with its products in 8 bits.

    A weight keeps its name, with `_quantized` behind it, and has its scales beside it under
    `_scale`; one that the exporter gave a number takes the name of the bias that belongs to it.
    """
    model = onnx.load(path)
    _Quantizer(model.graph).run()
    if all(entry.domain != _RUNTIME for entry in model.opset_import):
        model.opset_import.append(helper.make_opsetid(_RUNTIME, 1))
    del model.graph.value_info[:]  # the shapes of what is no longer there
    onnx.save(model, path_int8)


def quantize_rows(rows: Array) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return whole numbers and one scale a row, whose product is nearest to `rows`."""
    scales = (np.abs(rows).max(axis=1) / _LEVELS).astype(np.float32)
    scales[scales == 0] = 1
    return np.rint(rows / scales[:, None]).astype(np.int8), scales


class _Quantizer:
    def __init__(self, graph: Any) -> None:
        self._graph = graph
        self._stored = {tensor.name: tensor for tensor in graph.initializer}
        self._users: dict[str, list[Any]] = defaultdict(list)
        for node in graph.node:
            for name in node.input:
                self._users[name].append(node)
        self._nodes: list[Any] = []
        self._absorbed: set[str] = set()  # outputs of sums that became part of a product
        self._with_scales: set[str] = set()  # inputs that have been quantized piece by piece

    def run(self) -> None:
        """Replace the graph's lookups and large products, and the weights that they read."""
        for name, value in _CONSTANTS.items():
            self._store(name, np.asarray(value))
        for node in self._graph.node:
            if node.output[0] in self._absorbed:
                continue
            if node.op_type == "Gather" and self._holds_matrix(node.input[0]):
                self._lookup(node)
            elif node.op_type == "MatMul" and self._holds_matrix(node.input[1], _LEAST_OUTPUTS):
                self._product(node)
            else:
                self._nodes.append(node)
        used = {name for node in self._nodes for name in node.input}
        kept = [tensor for name, tensor in self._stored.items() if name in used]
        del self._graph.node[:], self._graph.initializer[:]
        self._graph.node.extend(self._nodes)
        self._graph.initializer.extend(kept)

    def _holds_matrix(self, name: str, least: int = 1) -> bool:
        tensor = self._stored.get(name)
        return (
            tensor is not None
            and tensor.data_type == TensorProto.FLOAT
            and len(tensor.dims) == 2
            and tensor.dims[1] >= least
        )

    def _store(self, name: str, array: Array) -> str:
        self._stored[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def _add(self, op: str, inputs: list[str], output: str, domain: str = "", **kinds: Any) -> str:
        self._nodes.append(helper.make_node(op, inputs, [output], domain=domain, **kinds))
        return output

    def _lookup(self, node: Any) -> None:
        """Add an embedding: rows in int8, each multiplied by its scale."""
        (name, ids), (output,) = node.input, node.output
        whole, scales = quantize_rows(numpy_helper.to_array(self._stored[name]))
        rows = self._store(f"{name}_quantized", whole)
        row_scales = self._store(f"{name}_scale", scales[:, None])
        found = self._add("Gather", [rows, ids], f"{output}_row")
        in_float = self._add("Cast", [found], f"{output}_row_float", to=TensorProto.FLOAT)
        scale = self._add("Gather", [row_scales, ids], f"{output}_row_scale")
        self._add("Mul", [in_float, scale], output)

    def _product(self, node: Any) -> None:
        """Add a product of pieces in uint8 with weights in int8, into float32."""
        given, stored = node.input
        matrix = numpy_helper.to_array(self._stored[stored])
        bias, output = self._bias(node)
        name = f"{bias.removesuffix('bias')}weight" if bias else stored
        whole, scales = quantize_rows(matrix.T)
        weight = self._store(f"{name}_quantized", whole.T)
        scale = self._store(f"{name}_scale", scales)
        zero = self._store(f"{name}_zero_point", np.zeros(len(scales), dtype=np.int8))
        if matrix.shape[0] == matrix.shape[1]:
            inputs = [given, weight, scale, zero, *([bias] if bias else [])]
            self._add("DynamicQuantizeMatMul", inputs, output, _RUNTIME)
            return
        pieces, piece_scales = self._piece_by_piece(given)
        inputs = [pieces, weight, "one", scale, "middle", zero]
        raw = self._add("MatMulIntegerToFloat", inputs, f"{output}_raw", _RUNTIME)
        full = self._add("Mul", [raw, piece_scales], f"{output}_full" if bias else output)
        if bias:
            self._add("Add", [full, bias], output)

    def _piece_by_piece(self, name: str) -> tuple[str, str]:
        """Return pieces in uint8 and their scales (1, pieces, 1); add what makes them, once."""
        whole, scale = f"{name}_uint8", f"{name}_scale"
        if name in self._with_scales:
            return whole, scale
        self._with_scales.add(name)
        sizes = self._add("Abs", [name], f"{name}_abs")
        largest = self._add("ReduceMax", [sizes, "last_axis"], f"{name}_max", keepdims=1)
        level = self._add("Mul", [largest, "level"], f"{name}_level")
        self._add("Max", [level, "least_scale"], scale)
        flat = self._add("Reshape", [scale, "last_axis"], f"{name}_flat")
        n_pieces = self._add("Shape", [flat], f"{name}_n")
        middles = self._add("Expand", ["middle", n_pieces], f"{name}_middle")
        # the runtime's own: ONNX Runtime 1.23 lacks the standard one at the opset of Attention
        self._add("QuantizeLinear", [name, flat, middles], whole, _RUNTIME, axis=1)
        return whole, scale

    def _bias(self, node: Any) -> tuple[str, str]:
        """Return the vector that is added to a product, "" for none, and the sum's name."""
        users = self._users[node.output[0]]
        if len(users) == 1 and users[0].op_type == "Add":
            added = next(name for name in users[0].input if name != node.output[0])
            if added in self._stored and len(self._stored[added].dims) == 1:
                self._absorbed.add(users[0].output[0])
                return added, users[0].output[0]
        return "", node.output[0]
