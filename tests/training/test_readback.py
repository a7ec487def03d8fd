"""The weights of an export come back to torch: those of the bundled model, and of any format."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic

from farmaner.cli import run
from farmaner.document import Document
from farmaner.encoders import ModelSettings, load_encoder, load_lexicon
from farmaner.encoders.torch import TorchEncoder, load_model
from farmaner.errors import ModelError
from farmaner.evaluation import score_sets
from farmaner.recognizer import Recognizer, bundled_model, load
from farmaner.training.config import PretrainConfig, TrainingConfig
from farmaner.training.export import export
from farmaner.training.loop import train
from farmaner.training.readback import WRAPPER, read_weights
from farmaner.training.source import load_masked_source, load_source
from farmaner.windows import Batch

pytestmark = [pytest.mark.train, pytest.mark.slow]

Folder = Callable[[str], str]


def bundled(**values: Any) -> TrainingConfig:
    settings = {"max_pieces": 64, "epochs": 1, "batch_size": 8, "learning_rate": 3e-5}
    return TrainingConfig(encoder="bundled", **(settings | values))


def random_batch(model: Path) -> Batch:
    config = json.loads((model / "config.json").read_text(encoding="utf-8"))
    random = np.random.default_rng(3)
    ids = random.integers(4, config["vocab_size"], (4, 60))
    if not ModelSettings.read(model).lexicon:
        return Batch(ids, np.ones_like(ids))
    features = random.integers(0, config["type_vocab_size"], ids.shape)
    return Batch(ids, np.ones_like(ids), features)


@pytest.fixture(scope="module")
def read_back() -> TorchEncoder:
    model, _, _ = load_source(bundled())
    return TorchEncoder(model)


def test_the_bundled_model_read_back_answers_as_the_shipped_one_but_for_8_bit_activations(
    read_back: TorchEncoder, notes: list[Document]
) -> None:
    batch = random_batch(bundled_model())
    encoder, backend = load_encoder(bundled_model())
    assert backend == "onnx-int8"
    there, here = encoder(batch), read_back(batch)
    assert np.abs(there - here).mean() < 0.1
    assert (there.argmax(axis=2) == here.argmax(axis=2)).mean() > 0.97
    shipped = load()
    _, _, pieces = load_source(bundled())
    lexicon = load_lexicon(bundled_model(), shipped.settings)
    again = Recognizer(read_back, pieces, shipped.settings, lexicon=lexicon)
    first, second = (
        {
            document.id: frozenset(entity.key for entity in document.entities)
            for document in recognizer.recognize_documents(notes)
        }
        for recognizer in (shipped, again)
    )
    counts = score_sets(first, second)
    assert counts.true_positives > 500
    assert counts.f1 > 0.98


def test_the_tokenizer_of_the_bundled_model_cuts_words_as_the_recognizer_does(
    notes: list[Document], tmp_path: Path
) -> None:
    from transformers import AutoTokenizer

    from farmaner.encoders import load_tokenizer
    from farmaner.text import split_words

    _, tokenizer, pieces = load_source(bundled())
    settings = ModelSettings.read(bundled_model())
    assert pieces.special == settings.special_pieces
    own = load_tokenizer(bundled_model(), settings)
    for note in notes[:5]:
        words = split_words(note.text)
        assert pieces.encode(note.text, words).ids.tolist() == (
            own.encode(note.text, words).ids.tolist()
        )
    shutil.copy(bundled_model() / "config.json", tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    special = ("<s>", "</s>", "<pad>", "<unk>", "<mask>")
    for one in (tokenizer, again):
        assert (
            one.cls_token,
            one.sep_token,
            one.pad_token,
            one.unk_token,
            one.mask_token,
        ) == special
        assert one("Niega alergia a penicilina.")["input_ids"][0] == settings.special_pieces.cls


def test_training_from_the_bundled_model_keeps_its_head_where_the_tags_agree() -> None:
    weights = read_weights(bundled_model() / "onnx" / "model_int8.onnx")
    model, _, _ = load_source(bundled())
    np.testing.assert_array_equal(
        model.classifier.weight.detach().numpy(), weights["classifier.weight"]
    )
    other = ("PROTEINAS", "NORMALIZABLES", "NO_NORMALIZABLES")
    model, _, _ = load_source(bundled(labels=other))
    assert abs(model.classifier.weight.detach().numpy() - weights["classifier.weight"]).max() > 0.01
    assert model.config.id2label[1] == "B-PROTEINAS"
    model, _, _ = load_source(bundled(labels=("FARMACO",)))
    assert model.classifier.weight.shape == (3, 384)
    np.testing.assert_array_equal(
        model.bert.embeddings.word_embeddings.weight.detach().numpy(),
        weights["bert.embeddings.word_embeddings.weight"],
    )


def test_pretraining_can_start_from_the_bundled_model_too() -> None:
    weights = read_weights(bundled_model() / "onnx" / "model_int8.onnx")
    model, tokenizer, _ = load_masked_source(PretrainConfig(encoder="bundled"))
    np.testing.assert_array_equal(
        model.get_output_embeddings().weight.detach().numpy(),
        weights["bert.embeddings.word_embeddings.weight"],
    )
    assert tokenizer.mask_token_id == tokenizer.convert_tokens_to_ids("<mask>") == 33915


@pytest.fixture(scope="module")
def exported(
    notes: list[Document], encoder_folder: Folder, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """Return a function from a family's name to a trained and exported model of it."""
    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            made[family] = tmp_path_factory.mktemp(family) / "model"
            config = TrainingConfig(
                encoder=encoder_folder(family), max_pieces=64, epochs=1, learning_rate=3e-3
            )
            train(config, notes[:12], output=made[family])
            export(made[family])
        return made[family]

    return folder


def bare(folder: Path, copy: Path) -> Path:
    """Copy what annotating needs, and the encoder's config: a folder such as the bundled one."""
    (copy / "onnx").mkdir(parents=True)
    for name in ("farmaner.json", "tokenizer.json", "config.json", "onnx/model_int8.onnx"):
        shutil.copy(folder / name, copy / name)
    return copy


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta", "deberta-v2"])
def test_every_family_is_read_back_from_its_export_and_trains_on(
    family: str, exported: Callable[[str], Path], notes: list[Document], tmp_path: Path
) -> None:
    folder = bare(exported(family), tmp_path / "bare")
    config = TrainingConfig(encoder=str(folder), max_pieces=64, epochs=1, dropout=0.0)
    model, _, _ = load_source(config)
    trained = load_model(exported(family)).state_dict()
    assert model.state_dict().keys() == trained.keys()
    for name, tensor in trained.items():
        step = float(abs(tensor).max()) / 127
        np.testing.assert_allclose(model.state_dict()[name], tensor, atol=step + 1e-7)
    batch = random_batch(folder)
    shipped, _ = load_encoder(folder)
    np.testing.assert_allclose(TorchEncoder(model)(batch), shipped(batch), atol=0.1)
    result = train(config, notes[:4], output=tmp_path / "more")
    assert (result.folder / "model.safetensors").is_file()


def test_the_float32_export_gives_back_the_very_weights(exported: Callable[[str], Path]) -> None:
    folder = exported("bert")
    trained = load_model(folder).state_dict()
    weights = read_weights(folder / "onnx" / "model.onnx")
    assert weights.keys() == trained.keys()
    for name, tensor in trained.items():
        np.testing.assert_array_equal(weights[name], tensor.numpy())


@pytest.mark.parametrize("per_channel", [True, False])
def test_integer_products_with_one_scale_or_one_a_channel_are_read_back(
    per_channel: bool, exported: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = exported("bert")
    path = tmp_path / "integer.onnx"
    quantize_dynamic(
        folder / "onnx" / "model.onnx", path, weight_type=QuantType.QInt8, per_channel=per_channel
    )
    assert "MatMulInteger" in {node.op_type for node in onnx.load(path).graph.node}
    trained = load_model(folder).state_dict()
    weights = read_weights(path)
    assert weights.keys() == trained.keys()
    for name, tensor in trained.items():
        step = abs(tensor.numpy()).max() / 127
        np.testing.assert_allclose(weights[name], tensor.numpy(), atol=float(step) + 1e-7)


def test_a_matrix_without_a_name_is_known_by_the_bias_that_is_added_to_its_product(
    exported: Callable[[str], Path], tmp_path: Path
) -> None:
    path = exported("bert") / "onnx" / "model.onnx"
    model = onnx.load(path)
    renamed = {
        tensor.name: f"nameless_{number}"
        for number, tensor in enumerate(model.graph.initializer)
        if tensor.name.startswith(WRAPPER)
        and len(tensor.dims) == 2
        and "embedding" not in tensor.name
    }
    assert len(renamed) == 13  # six a layer, and the head's
    for tensor in model.graph.initializer:
        tensor.name = renamed.get(tensor.name, tensor.name)
    for node in model.graph.node:
        for place, name in enumerate(node.input):
            node.input[place] = renamed.get(name, name)
    onnx.save(model, tmp_path / "nameless.onnx")
    named, nameless = read_weights(path), read_weights(tmp_path / "nameless.onnx")
    assert nameless.keys() == named.keys()
    for name, array in named.items():
        np.testing.assert_array_equal(nameless[name], array)


def graph_of(nodes: list[Any], stored: dict[str, NDArray[Any]]) -> Any:
    graph = helper.make_graph(
        nodes,
        "made by hand",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 2])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [numpy_helper.from_array(array, name) for name, array in stored.items()],
    )
    return helper.make_model(graph)


def test_blocks_channels_and_zero_points_are_read_as_the_operators_define_them(
    tmp_path: Path,
) -> None:
    blocks = np.array([[[130, 126]], [[128, 129]], [[0, 255]]], dtype=np.uint8)
    scales = np.array([[0.5], [2.0], [1.0]], dtype=np.float32)
    by_channel = np.array([[1, 2, 3], [4, 5, 6]], dtype=np.int8)
    node = helper.make_node(
        "MatMulNBits",
        ["x", "model.a.weight_Q8", "s"],
        ["h"],
        domain="com.microsoft",
        K=2,
        N=3,
        bits=8,
        block_size=2,
    )
    dequantize = helper.make_node("DequantizeLinear", ["q", "qs", "qz"], ["w"], axis=1)
    product = helper.make_node("MatMul", ["x", "w"], ["m"])
    add = helper.make_node("Add", ["m", "model.b.bias"], ["y"])
    model = graph_of(
        [node, dequantize, product, add],
        {
            "model.a.weight_Q8": blocks,
            "s": scales,
            "q": by_channel,
            "qs": np.array([1.0, 0.5, 0.25], dtype=np.float32),
            "qz": np.array([1, 0, 2], dtype=np.int8),
            "model.b.bias": np.zeros(3, dtype=np.float32),
        },
    )
    onnx.save(model, tmp_path / "m.onnx")
    weights = read_weights(tmp_path / "m.onnx")
    assert weights["a.weight"].tolist() == [[1.0, -1.0], [0.0, 2.0], [-128.0, 127.0]]
    assert weights["b.weight"].tolist() == [[0.0, 3.0], [1.0, 2.5], [0.25, 1.0]]


def test_a_file_that_lacks_a_weight_is_refused_with_the_weight_s_name(
    exported: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = bare(exported("bert"), tmp_path / "bare")
    content = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    content["num_hidden_layers"] = 3
    (folder / "config.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(ModelError) as error:
        load_source(TrainingConfig(encoder=str(folder), max_pieces=64))
    path = folder / "onnx" / "model_int8.onnx"
    assert str(error.value) == (
        f"{path}: expected the weight bert.encoder.layer.2.attention.self.query.weight of "
        "(32, 32), found none"
    )
    path.write_bytes(b"nothing")
    with pytest.raises(ModelError) as error:
        read_weights(path)
    assert str(error.value) == f"{path}: expected an ONNX model, found other bytes"


def test_the_command_trains_from_the_bundled_model(
    notes: list[Document], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from farmaner.formats.brat import write_brat

    write_brat(notes[:2], tmp_path / "train")
    output = tmp_path / "model"
    flags = ["--encoder", "bundled", "--epochs", "1", "--learning-rate", "1e-5"]
    assert run(["train", "--train", str(tmp_path / "train"), "-o", str(output), *flags]) == 0
    assert capsys.readouterr().out == f"{output}\n"
    before, after = load(), load(output)
    text = "Niega alergia a penicilina."
    assert [e.key for e in after.recognize(text).entities] == [
        e.key for e in before.recognize(text).entities
    ]
