from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from farmaner.cli import run
from farmaner.document import Document
from farmaner.encoders import load_encoder
from farmaner.encoders.onnx import OnnxEncoder
from farmaner.recognizer import load
from farmaner.training.config import TrainingConfig
from farmaner.training.export import TOLERANCE, export
from farmaner.training.loop import train
from farmaner.training.quantize import write_int8
from farmaner.windows import Batch

pytestmark = [pytest.mark.train, pytest.mark.slow]


@pytest.fixture(scope="module")
def model(
    notes: list[Document],
    encoder_folder: Callable[[str], str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    output = tmp_path_factory.mktemp("export") / "model"
    config = TrainingConfig(
        encoder=encoder_folder("bert"), max_pieces=64, epochs=6, learning_rate=3e-3
    )
    train(config, notes, output=output)
    return output


def test_an_exported_model_answers_as_torch_does(model: Path, notes: list[Document]) -> None:
    result = export(model, notes)
    float32, int8 = result.comparisons
    assert result.largest_difference <= TOLERANCE
    assert (float32.backend, int8.backend) == ("onnx", "onnx-int8")
    assert float32.counts.true_positives > 0
    assert float32.n_different == 0
    assert int8.size_mb < float32.size_mb
    assert load(model).backend == "onnx-int8"
    by_torch = [load(model, backend="torch").recognize(note.text) for note in notes[:5]]
    by_onnx = [load(model, backend="onnx").recognize(note.text) for note in notes[:5]]
    assert [[entity.key for entity in document.entities] for document in by_onnx] == [
        [entity.key for entity in document.entities] for document in by_torch
    ]


def test_padding_does_not_change_a_window_s_logits(model: Path) -> None:
    if not (model / "onnx" / "model.onnx").exists():
        export(model)
    ids = np.arange(4, 24, dtype=np.int64)[None, :]
    padded = np.concatenate([ids, np.zeros((1, 30), dtype=np.int64)], axis=1)
    mask = (np.arange(50)[None, :] < 20).astype(np.int64)
    for backend, tolerance in (("torch", 1e-5), ("onnx", 0), ("onnx-int8", 0)):
        encoder, _ = load_encoder(model, backend)  # type: ignore[arg-type]
        alone = encoder(Batch(ids, np.ones_like(ids)))
        beside = encoder(Batch(padded, mask))[:, :20]
        np.testing.assert_allclose(alone, beside, rtol=0, atol=tolerance)


@pytest.mark.parametrize("family", ["roberta", "xlm-roberta", "deberta-v2"])
def test_every_family_is_exported(
    family: str,
    notes: list[Document],
    encoder_folder: Callable[[str], str],
    tmp_path: Path,
) -> None:
    config = TrainingConfig(
        encoder=encoder_folder(family), max_pieces=64, epochs=1, learning_rate=3e-3
    )
    train(config, notes[:6], output=tmp_path / "model")
    result = export(tmp_path / "model", notes[:3])
    assert result.largest_difference <= TOLERANCE
    ids = np.random.default_rng(0).integers(4, 300, (3, 64))
    batch = Batch(ids, np.ones_like(ids))
    exact, int8 = (load_encoder(tmp_path / "model", name)[0] for name in ("onnx", "onnx-int8"))
    np.testing.assert_allclose(int8(batch), exact(batch), atol=0.05)


def test_pieces_far_larger_than_the_others_do_not_crush_them(tmp_path: Path) -> None:
    """What BERT's first and last piece do in a feed-forward block."""
    random = np.random.default_rng(0)
    weight = random.standard_normal((48, 96)).astype(np.float32)
    table = random.standard_normal((20, 48)).astype(np.float32)
    table[0] *= 300
    bias = random.standard_normal(96).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Gather", ["table", "input_ids"], ["x"]),
            helper.make_node("MatMul", ["x", "val_7"], ["y"]),
            helper.make_node("Add", ["y", "up.bias"], ["logits"]),
        ],
        "product",
        [helper.make_tensor_value_info("input_ids", TensorProto.INT64, [1, "pieces"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, "pieces", 96])],
        [
            numpy_helper.from_array(array, name)
            for name, array in {"table": table, "val_7": weight, "up.bias": bias}.items()
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 23)], ir_version=10)
    onnx.save(model, tmp_path / "float.onnx")
    write_int8(tmp_path / "float.onnx", tmp_path / "int8.onnx")

    ids = np.arange(20)[None]
    found = OnnxEncoder(tmp_path / "int8.onnx")(Batch(ids, np.ones_like(ids)))[0]
    exact = table @ weight + bias
    error = np.abs(found - exact).max(axis=1) / np.abs(exact).max(axis=1)
    assert error.max() < 0.02
    names = {tensor.name for tensor in onnx.load(tmp_path / "int8.onnx").graph.initializer}
    assert {"up.weight_quantized", "up.weight_scale", "table_quantized", "up.bias"} <= names


def test_the_command_prints_what_it_compared(
    model: Path, notes: list[Document], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "nota.txt").write_text(notes[0].text, encoding="utf-8")
    assert run(["export", str(model), "--texts", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "float32 logits: largest difference" in printed
    assert "onnx-int8:" in printed
    assert "1 documents" in printed


def test_a_folder_without_weights_cannot_be_exported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["export", str(tmp_path)]) == 1
    assert capsys.readouterr().err == (
        f"farmaner: {tmp_path}: expected a model folder with farmaner.json, found none\n"
    )


def test_int8_entities_do_not_depend_on_what_shares_their_batch(
    model: Path, notes: list[Document]
) -> None:
    if not (model / "onnx" / "model_int8.onnx").exists():
        export(model)
    recognizer = load(model, backend="onnx-int8")
    together = list(recognizer.recognize_documents(notes))
    alone = [next(recognizer.recognize_documents([note])) for note in notes]
    keys = [[entity.key for entity in document.entities] for document in together]
    assert any(keys)
    assert keys == [[entity.key for entity in document.entities] for document in alone]
