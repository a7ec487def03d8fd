"""Reading back: the weights of an exported model as torch has them, so that training starts there.

An export names the weights as torch does (`name_weights`). In a file where matrices have lost
their names, a matrix is known by the bias that is added to its product: `X.bias` makes it
`X.weight`.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from transformers import PreTrainedTokenizerFast

from farmaner.encoders.folder import ONNX_FILES, TOKENIZER_FILE, ModelSettings
from farmaner.errors import ModelError

WRAPPER = "model."
"""What stands before a parameter's name in the graph: exporting wraps the model."""

_SUFFIXES = ("_quantized", "_Q8")
_SCALES = ("_scale", "_scales")
_PRODUCTS = (
    *("MatMul", "FusedMatMul", "Gemm"),
    *("MatMulInteger", "MatMulIntegerToFloat", "DynamicQuantizeMatMul"),
)
_MASKS = ("[MASK]", "<mask>")
_HOPS = 4  # from a product to its bias: the casts and scales of an integer product lie between

Array = NDArray[Any]


def exported_file(folder: Path) -> Path | None:
    """Return the file that a folder's weights can be read back from, the most exact one."""
    files = [folder / file for file in ONNX_FILES.values()]
    return next((file for file in files if file.is_file()), None)


def name_weights(path: Path, state: Mapping[str, torch.Tensor]) -> None:
    """Give the matrices of a float32 export the names that they have in torch.

    The exporter stores a linear layer's weight transposed, under a number; what it is shows in
    its values alone.
    """
    names = {_digest(tensor.numpy().T): name for name, tensor in state.items() if tensor.ndim == 2}
    model = onnx.load(path)
    renamed = {}
    for tensor in model.graph.initializer:
        name = names.get(_digest(numpy_helper.to_array(tensor))) if len(tensor.dims) == 2 else None
        if name is not None and not tensor.name.startswith(WRAPPER):
            renamed[tensor.name] = tensor.name = f"{WRAPPER}{name}"
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = renamed.get(name, name)
    onnx.save(model, path)


def _digest(array: Array) -> tuple[tuple[int, ...], bytes]:
    values = np.ascontiguousarray(array, dtype=np.float32)
    return values.shape, hashlib.sha256(values.tobytes()).digest()


def read_model(kind: Any, folder: Path, config: Any, **settings: Any) -> Any:
    """Return a model of an `AutoModel` class and `config` with the weights of an exported folder.

    A weight that is in 8 bits there becomes the float32 number that it stands for. What is not
    of the encoder, such as the tagging head, is read where the file has it in the size that
    `config` asks for, else it is fresh. ModelError where a weight is missing or of another shape.
    """
    path = exported_file(folder)
    if path is None:
        raise ModelError(f"{folder}: expected {ONNX_FILES['onnx-int8']}, found none")
    weights = read_weights(path)
    model = kind.from_config(config, dtype=torch.float32, **settings)
    state: dict[str, torch.Tensor] = {}
    for name, tensor in model.state_dict().items():
        found = weights.get(name)
        if found is not None and found.shape == tuple(tensor.shape):
            state[name] = torch.from_numpy(found)
        elif name.startswith(f"{model.base_model_prefix}."):
            shape = "none" if found is None else f"one of {found.shape}"
            raise ModelError(
                f"{path}: expected the weight {name} of {tuple(tensor.shape)}, found {shape}"
            )
    model.load_state_dict(state, strict=False)
    return model


def read_tokenizer(folder: Path) -> Any:
    """Return the tokenizer of an exported folder as transformers has it."""
    special = ModelSettings.read(folder).special_pieces
    tokenizer = PreTrainedTokenizerFast(tokenizer_file=str(folder / TOKENIZER_FILE))  # type: ignore[no-untyped-call]
    ids = {"cls": special.cls, "sep": special.sep, "pad": special.pad, "unk": special.unk}
    names: dict[str, Any] = {
        f"{role}_token": tokenizer.convert_ids_to_tokens(number) for role, number in ids.items()
    }
    mask = next((piece for piece in _MASKS if piece in tokenizer.get_vocab()), None)
    tokenizer.add_special_tokens(names | ({"mask_token": mask} if mask else {}))
    return tokenizer


def read_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the weights of an exported model, float32, by their names in torch.

    Read by what uses them: products (MatMulNBits in blocks, integer ones with one scale or one
    an output, float ones), Gather for embeddings, and every float vector that has a name.
    """
    try:
        graph = onnx.load(path).graph
    except Exception as error:  # protobuf's errors share no documented base
        raise ModelError(f"{path}: expected an ONNX model, found other bytes") from error
    reader = _Reader(graph)
    return {name: np.ascontiguousarray(array) for name, array in reader.weights()}


class _Reader:
    def __init__(self, graph: Any) -> None:
        self._nodes = list(graph.node)
        self._stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
        self._users: dict[str, list[Any]] = defaultdict(list)
        self._makers = {name: node for node in self._nodes for name in node.output}
        for node in self._nodes:
            for name in node.input:
                self._users[name].append(node)

    def weights(self) -> Iterator[tuple[str, NDArray[np.float32]]]:
        """Yield every weight with its name in torch; a matrix as (outputs, inputs)."""
        for name, array in self._stored.items():
            is_vector = name.startswith(WRAPPER) and array.dtype.kind == "f" and array.ndim < 2
            if is_vector and not name.endswith(_SCALES):
                yield name.removeprefix(WRAPPER), array.astype(np.float32)
        for node in self._nodes:
            if node.op_type == "MatMulNBits":
                yield from self._named(node, node.input[1], self._blockwise(node))
            elif node.op_type in _PRODUCTS:
                matrix = self._value(node.input[1])
                if matrix is not None and matrix.ndim == 2:
                    as_it_is = node.op_type == "Gemm" and _attributes(node).get("transB")
                    yield from self._named(node, node.input[1], matrix if as_it_is else matrix.T)
            elif node.op_type == "Gather" and not node.input[0].endswith(_SCALES):
                table = self._value(node.input[0])
                if table is not None and table.ndim == 2:
                    yield from self._named(node, node.input[0], table)

    def _named(
        self, node: Any, name: str, array: NDArray[np.float32]
    ) -> Iterator[tuple[str, NDArray[np.float32]]]:
        maker = self._makers.get(name)
        stored = maker.input[0] if maker is not None else name
        for suffix in _SUFFIXES:
            stored = stored.removesuffix(suffix)
        if stored.startswith(WRAPPER):
            yield stored.removeprefix(WRAPPER), array
        elif bias := self._bias(node, _HOPS):
            yield bias.removeprefix(WRAPPER).removesuffix("bias") + "weight", array

    def _bias(self, node: Any, hops: int) -> str | None:
        """Return the name of the bias that is added to a product, in it or up to `hops` on."""
        name: str
        for name in node.input:
            layer = name.removesuffix("bias")
            # of a layer norm that is fused with the sum, the weight has a name of its own
            if layer != name and name in self._stored and f"{layer}weight" not in self._stored:
                return name
        users = [user for output in node.output for user in self._users[output]]
        return self._bias(users[0], hops - 1) if hops and len(users) == 1 else None

    def _value(self, name: str) -> NDArray[np.float32] | None:
        """Return the float32 values of a stored tensor, dequantized where it is not in floats."""
        maker = self._makers.get(name)
        if maker is not None and maker.op_type == "DequantizeLinear":
            stored, *rest = maker.input
            if stored not in self._stored:
                return None
            axis = _attributes(maker).get("axis", 1)
            return self._dequantized(stored, *rest, axis=axis)
        if name not in self._stored:
            return None
        if self._stored[name].dtype.kind == "f":
            return self._stored[name].astype(np.float32)
        stem = name.removesuffix("_quantized")
        if f"{stem}_scale" not in self._stored:
            return None
        return self._dequantized(name, f"{stem}_scale", f"{stem}_zero_point", axis=1)

    def _dequantized(
        self, name: str, scale: str, zero: str | None = None, *, axis: int
    ) -> NDArray[np.float32]:
        whole = self._stored[name].astype(np.float32)
        scales = self._stored[scale].astype(np.float32)
        zeros: Array = np.zeros((), dtype=np.float32)
        if zero in self._stored:
            zeros = self._stored[zero].astype(np.float32)
        if scales.ndim != whole.ndim:
            # one a column of a matrix, one a row of a table, or one: whichever their number fits
            axis = axis if whole.shape[axis] == scales.size else 0
            shape = [scales.size if place == axis else 1 for place in range(whole.ndim)]
            scales = scales.reshape(shape if scales.size > 1 else ())
            zeros = zeros.reshape(shape if zeros.size > 1 else ())
        result: NDArray[np.float32] = (whole - zeros) * scales
        return result

    def _blockwise(self, node: Any) -> NDArray[np.float32]:
        attributes = _attributes(node)
        n_out, n_in = attributes["N"], attributes["K"]
        if attributes["bits"] != 8:
            raise ModelError(
                f"{node.name or 'MatMulNBits'}: expected weights of 8 bits, found "
                f"{attributes['bits']}"
            )
        whole = self._stored[node.input[1]].reshape(n_out, -1, attributes["block_size"])
        scales = self._stored[node.input[2]].astype(np.float32).reshape(n_out, -1, 1)
        zeros: Array = np.asarray(128, dtype=np.float32)
        if len(node.input) > 3 and node.input[3]:
            zeros = self._stored[node.input[3]].astype(np.float32).reshape(n_out, -1, 1)
        blocks = (whole.astype(np.float32) - zeros) * scales
        result: NDArray[np.float32] = blocks.reshape(n_out, -1)[:, :n_in]
        return result


def _attributes(node: Any) -> dict[str, Any]:
    return {
        attribute.name: onnx.helper.get_attribute_value(attribute) for attribute in node.attribute
    }
