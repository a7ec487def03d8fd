"""Context and lexicon: a model fitted with either annotates, moves, exports and is read back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from farmaner.cli import run
from farmaner.cutting import Cutter, batch_windows
from farmaner.document import Document
from farmaner.encoders import ModelSettings, load_encoder
from farmaner.encoders.torch import TorchEncoder
from farmaner.errors import ConfigError, CorpusError, ModelError
from farmaner.recognizer import load
from farmaner.tagging import IGNORED
from farmaner.testing import fake_settings, fake_tokenizer
from farmaner.text import Lexicon, split_words
from farmaner.training.adopt import adopt
from farmaner.training.calibration import calibrate
from farmaner.training.config import TrainingConfig
from farmaner.training.export import TOLERANCE, export
from farmaner.training.loop import train
from farmaner.training.progress import Epoch
from farmaner.training.soft import SoftText, label_texts, read_answers, soft_windows, text_key
from farmaner.training.source import load_source
from farmaner.training.windows import training_windows
from farmaner.windows import Batch, Context

pytestmark = pytest.mark.train

Folder = Callable[[str], str]
SCHEME = fake_settings().tagging_scheme()
EVERY: list[Context] = ["none", "sentences", "document"]
TERMS = "# fármacos\n\npenicilina\nÁcido fólico\nhierro\ncreatinina\nPenicilina\n  \n"


@pytest.fixture(scope="module")
def lexicon(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("lexicon") / "terms.txt"
    path.write_text(TERMS, encoding="utf-8")
    return path


def settings(encoder: str, **values: Any) -> TrainingConfig:
    small = {"max_pieces": 48, "epochs": 2, "batch_size": 8, "learning_rate": 3e-3}
    return TrainingConfig(encoder=encoder, **(small | values))


def keys(model: Path, documents: list[Document], backend: Any = "torch") -> list[Any]:
    recognizer = load(model, backend=backend)
    return [
        [entity.key for entity in document.entities]
        for document in recognizer.recognize_documents(documents)
    ]


@pytest.fixture(scope="module")
def models(
    notes: list[Document],
    encoder_folder: Folder,
    lexicon: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """Models fitted with each switch, and with both, exported."""
    folder = tmp_path_factory.mktemp("switches")
    switches: dict[str, dict[str, Any]] = {
        "sentences": {"context": "sentences"},
        "document": {"context": "document"},
        "lexicon": {"lexicon": str(lexicon)},
        "both": {"context": "document", "lexicon": str(lexicon)},
    }
    for name, values in switches.items():
        config = settings(encoder_folder("bert"), epochs=6, **values)
        train(config, notes[:16], output=folder / name)
    return {name: folder / name for name in switches}


@pytest.mark.slow
@pytest.mark.parametrize("switch", ["sentences", "document", "lexicon", "both"])
def test_a_model_of_each_switch_annotates_and_exports_to_the_same_answers(
    switch: str, models: dict[str, Path], notes: list[Document]
) -> None:
    model = models[switch]
    said = ModelSettings.read(model)
    assert said.context == {"lexicon": "none", "both": "document"}.get(switch, switch)
    assert said.lexicon is (switch in ("lexicon", "both"))
    by_torch = keys(model, notes)
    assert any(by_torch)

    result = export(model, notes)

    assert result.largest_difference <= TOLERANCE
    assert [one.n_documents for one in result.comparisons] == [len(notes)] * 2
    assert result.comparisons[0].n_different == 0
    assert keys(model, notes, "onnx") == by_torch
    recognizer = load(model, backend="onnx-int8")
    assert [d.text for d in recognizer.recognize_documents(notes)] == [d.text for d in notes]


@pytest.mark.slow
def test_a_model_with_a_lexicon_works_wherever_its_folder_is_and_without_the_term_list(
    models: dict[str, Path], notes: list[Document], tmp_path: Path
) -> None:
    expected = keys(models["both"], notes)
    moved = tmp_path / "elsewhere" / "model"
    shutil.copytree(models["both"], moved)
    assert (moved / "lexicon.txt").read_text(encoding="utf-8") == (
        "acido folico\ncreatinina\nhierro\npenicilina\n"
    )
    assert keys(moved, notes) == expected

    (moved / "lexicon.txt").unlink()
    with pytest.raises(ModelError) as error:
        load(moved, backend="torch")
    assert str(error.value) == f"{moved}: expected a model folder with lexicon.txt, found none"


@pytest.mark.slow
def test_what_the_lexicon_says_reaches_the_model_on_every_backend(models: dict[str, Path]) -> None:
    model = models["lexicon"]
    if not (model / "onnx" / "model.onnx").exists():
        export(model)
    ids = np.random.default_rng(0).integers(4, 300, (3, 24))
    features = np.random.default_rng(1).integers(0, 3, (3, 24))
    silent = Batch(ids, np.ones_like(ids))
    told = Batch(ids, np.ones_like(ids), features)
    by_torch, by_onnx = (load_encoder(model, name)[0] for name in ("torch", "onnx"))
    np.testing.assert_allclose(by_onnx(told), by_torch(told), atol=TOLERANCE)
    np.testing.assert_allclose(by_onnx(silent), by_torch(silent), atol=TOLERANCE)
    assert np.abs(by_torch(told) - by_torch(silent)).max() > 10 * TOLERANCE


@pytest.mark.slow
def test_transformers_loads_the_folder_with_three_token_types(models: dict[str, Path]) -> None:
    from transformers import AutoModelForTokenClassification

    plain = AutoModelForTokenClassification.from_pretrained(models["sentences"])
    fitted = AutoModelForTokenClassification.from_pretrained(models["lexicon"])
    assert (plain.config.type_vocab_size, fitted.config.type_vocab_size) == (2, 3)
    table = fitted.bert.embeddings.token_type_embeddings.weight
    assert table.shape == (3, 32)
    assert not torch.equal(table[0], table[1])
    assert not torch.equal(table[1], table[2])


@pytest.mark.slow
def test_an_export_without_the_second_input_is_refused_with_one_line(
    models: dict[str, Path], tmp_path: Path
) -> None:
    for name in ("sentences", "lexicon"):
        if not (models[name] / "onnx" / "model.onnx").exists():
            export(models[name])
    mixed = tmp_path / "mixed"
    shutil.copytree(models["lexicon"], mixed)
    shutil.copy(models["sentences"] / "onnx" / "model.onnx", mixed / "onnx" / "model.onnx")
    with pytest.raises(ModelError) as error:
        load(mixed, backend="onnx").recognize("Toma hierro.")
    assert str(error.value) == (
        f"{mixed / 'onnx' / 'model.onnx'}: expected the input token_type_ids, for the lexicon, "
        f"found none"
    )


@pytest.mark.slow
def test_a_training_that_goes_on_from_a_model_keeps_its_lexicon_or_takes_another(
    models: dict[str, Path], notes: list[Document], tmp_path: Path
) -> None:
    start = models["lexicon"]
    train(settings(str(start), epochs=1), notes[:2], output=tmp_path / "same")
    assert load(tmp_path / "same").settings.lexicon
    assert (tmp_path / "same/lexicon.txt").read_bytes() == (start / "lexicon.txt").read_bytes()

    (tmp_path / "terms.txt").write_text("ibuprofeno\n", encoding="utf-8")
    other = settings(str(start), epochs=1, lexicon=str(tmp_path / "terms.txt"))
    train(other, notes[:2], output=tmp_path / "other")
    assert (tmp_path / "other/lexicon.txt").read_text(encoding="utf-8") == "ibuprofeno\n"


def test_a_lexicon_of_more_kinds_keeps_what_the_model_knows_of_the_kinds_it_has_met(
    models: dict[str, Path], notes: list[Document], tmp_path: Path
) -> None:
    def rows(model: Any) -> torch.Tensor:
        table: torch.Tensor = model.base_model.embeddings.token_type_embeddings.weight
        return table.detach().clone()

    def source(start: Path, table: str) -> TrainingConfig:
        (tmp_path / "t.tsv").write_text("name\tkind\n" + table, encoding="utf-8")
        return settings(str(start), epochs=1, lexicon=str(tmp_path / "t.tsv"))

    two = source(models["lexicon"], "penicilina\tdrug\ncreatinina\tother\n")
    train(two, notes[:2], output=tmp_path / "two")
    before = rows(load_source(settings(str(tmp_path / "two")))[0])
    assert len(before) == 5  # drug: 1 and 2, other: 3 and 4
    assert not torch.equal(before[1], before[3])
    more = source(tmp_path / "two", "sodio\tion\nTAC\tabbreviation\nmorfina\tdrug\nfe\tother\n")
    after = rows(load_source(more)[0])  # abbreviation, drug, ion, other
    torch.testing.assert_close(after[[3, 4, 7, 8]], before[1:])
    torch.testing.assert_close(after[[0, 1, 2, 5, 6]], before[[0] * 5])


def test_an_imported_model_keeps_its_lexicon(
    models: dict[str, Path], notes: list[Document], tmp_path: Path
) -> None:
    adopt(str(models["lexicon"]), tmp_path / "imported", max_pieces=48)
    assert keys(tmp_path / "imported", notes[16:20]) == keys(models["lexicon"], notes[16:20])
    (tmp_path / "imported" / "lexicon.txt").unlink()
    with pytest.raises(ModelError, match=r"lexicon\.txt"):
        load(tmp_path / "imported")


@pytest.mark.slow
def test_an_exported_model_with_a_lexicon_is_read_back_to_go_on_training(
    models: dict[str, Path], notes: list[Document], lexicon: Path, tmp_path: Path
) -> None:
    if not (models["lexicon"] / "onnx" / "model.onnx").exists():
        export(models["lexicon"])
    shipped = tmp_path / "shipped"
    shutil.copytree(models["lexicon"], shipped)
    weights = load_file(shipped / "model.safetensors")
    (shipped / "model.safetensors").unlink()

    model, _, _ = load_source(settings(str(shipped), lexicon=str(lexicon)))

    name = "bert.embeddings.token_type_embeddings.weight"
    torch.testing.assert_close(model.state_dict()[name], weights[name])
    train(settings(str(shipped), lexicon=str(lexicon), epochs=1), notes[:2], output=tmp_path / "m")
    assert load(tmp_path / "m").settings.lexicon


@pytest.mark.slow
def test_calibrating_and_teaching_read_the_lexicon_and_the_context_too(
    models: dict[str, Path], notes: list[Document], tmp_path: Path
) -> None:
    from farmaner.encoders import load_cutter

    calibrate(models["both"], notes[16:24])
    own = ModelSettings.read(models["both"])
    assert (own.context, own.lexicon) == ("document", True)
    encoder, _ = load_encoder(models["both"], "torch")
    texts = [note.text for note in notes[:4]]
    label_texts(texts, encoder, load_cutter(models["both"], own), tmp_path)
    answers = read_answers(tmp_path)
    assert [len(answers[text_key(text)]) for text in texts] == [
        len(split_words(text)) for text in texts
    ]


@pytest.mark.slow
def test_a_resumed_training_with_both_switches_ends_with_the_same_model(
    notes: list[Document], encoder_folder: Folder, lexicon: Path, tmp_path: Path
) -> None:
    terms = tmp_path / "terms.txt"
    shutil.copy(lexicon, terms)
    config = settings(encoder_folder("bert"), epochs=3, context="document", lexicon=str(terms))
    fit, dev = notes[:8], notes[8:10]
    train(config, fit, dev, output=tmp_path / "unbroken")

    def interrupt(epoch: Epoch) -> None:
        if epoch.epoch == 2:
            raise KeyboardInterrupt

    broken = tmp_path / "broken"
    with pytest.raises(KeyboardInterrupt):
        train(config, fit, dev, output=broken, show=interrupt)
    terms.write_text("otra cosa\n", encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        train(config, fit, dev, output=broken, resume=True)
    assert str(error.value) == (
        f"{broken / 'lexicon.txt'}: expected the terms that the interrupted training began with, "
        "found others"
    )
    shutil.copy(lexicon, terms)
    train(config, fit, dev, output=broken, resume=True)
    one, other = (
        load_file(tmp_path / name / "model.safetensors") for name in ("broken", "unbroken")
    )
    assert {name: tensor.tolist() for name, tensor in one.items()} == {
        name: tensor.tolist() for name, tensor in other.items()
    }


def test_a_training_begun_before_there_were_switches_is_resumed(
    notes: list[Document], encoder_folder: Folder, tmp_path: Path
) -> None:
    config = settings(encoder_folder("bert"))

    def interrupt(epoch: Epoch) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, notes[:3], output=tmp_path, show=interrupt)
    begun = json.loads((tmp_path / "training.json").read_text(encoding="utf-8"))
    del begun["context"], begun["lexicon"]
    (tmp_path / "training.json").write_text(json.dumps(begun), encoding="utf-8")
    with pytest.raises(ConfigError):
        train(replace(config, context="document"), notes[:3], output=tmp_path, resume=True)
    assert train(config, notes[:3], output=tmp_path, resume=True).folder == tmp_path


@pytest.mark.parametrize("family", ["bert", "roberta", "xlm-roberta"])
def test_an_unfitted_encoder_answers_as_before_whatever_the_lexicon_says(
    family: str, encoder_folder: Folder, lexicon: Path
) -> None:
    plain = settings(encoder_folder(family))
    torch.manual_seed(1)
    before, _, _ = load_source(plain)
    torch.manual_seed(1)
    after, _, _ = load_source(replace(plain, lexicon=str(lexicon)))
    assert after.config.type_vocab_size == 3
    ids = np.random.default_rng(0).integers(4, 300, (2, 20))
    features = np.random.default_rng(1).integers(0, 3, (2, 20))
    told = TorchEncoder(after.eval())(Batch(ids, np.ones_like(ids), features))
    silent = TorchEncoder(before.eval())(Batch(ids, np.ones_like(ids)))
    np.testing.assert_array_equal(told, silent)


def test_an_encoder_without_token_types_is_refused_with_one_line(
    encoder_folder: Folder, lexicon: Path, notes: list[Document], tmp_path: Path
) -> None:
    encoder = encoder_folder("deberta-v2")
    with pytest.raises(ConfigError) as error:
        train(settings(encoder, lexicon=str(lexicon)), notes[:2], output=tmp_path / "m")
    assert str(error.value) == (
        f"lexicon: expected an encoder with token types, as BERT's, found {encoder}, of type "
        "deberta-v2, without"
    )


def test_settings_that_cannot_be_are_one_line(
    encoder_folder: Folder,
    notes: list[Document],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    command = ["train", "--train", str(tmp_path), "--encoder", "x", "-o", str(tmp_path / "m")]
    assert run([*command, "--context", "page"]) == 1
    assert capsys.readouterr().err == (
        "farmaner: context: expected one of none, sentences, document, found 'page'\n"
    )
    missing = tmp_path / "none.txt"
    with pytest.raises(CorpusError) as error:
        train(settings(encoder_folder("bert"), lexicon=str(missing)), notes[:2], output=tmp_path)
    assert str(error.value) == (
        f"{missing}: expected a readable file, found: No such file or directory"
    )


def test_a_step_s_input_names_the_switches_only_where_they_are_on(lexicon: Path) -> None:
    off = TrainingConfig(encoder="x").as_input()
    assert not off.keys() & {"context", "lexicon"}
    on = TrainingConfig(encoder="x", context="document", lexicon=str(lexicon)).as_input()
    assert (on["context"], on["lexicon"]) == ("document", lexicon)


@pytest.mark.parametrize("context", EVERY)
def test_every_word_has_one_target_and_what_is_read_again_has_none(
    context: Context, notes: list[Document]
) -> None:
    tokenizer = fake_tokenizer()
    windows, coverage = training_windows(notes, Cutter(tokenizer, 64, context), SCHEME)
    targets = [target for one in windows for target in one.targets.tolist() if target != IGNORED]
    n_words = sum(len(split_words(note.text)) for note in notes)
    assert coverage.n_documents == len(notes)
    assert coverage.n_words == n_words
    assert coverage.n_windows == len(windows)
    assert coverage.n_entities == sum(len(n.entities) for n in notes) - _unclear(notes)
    if context != "none":
        assert len(targets) == n_words
        plain, _ = training_windows(notes, Cutter(tokenizer, 64), SCHEME)
        assert len(windows) > len(plain)
    begins = {SCHEME.number(tag) for tag in SCHEME.tags if tag.startswith("B-")}
    assert sum(target in begins for target in targets) >= coverage.n_entities - len(
        coverage.dropped
    )


def _unclear(notes: list[Document]) -> int:
    return sum(entity.label not in SCHEME.labels for note in notes for entity in note.entities)


def test_under_the_paper_s_scheme_only_the_kept_words_pieces_and_the_specials_have_targets() -> (
    None
):
    text = "Niega alergia a penicilina. " * 8
    scheme = fake_settings(scheme="paper").tagging_scheme()
    cutter = Cutter(fake_tokenizer(), 40, "document")
    windows, _ = training_windows([Document("d", text)], cutter, scheme)
    cut = cutter.cut(text)
    with_target = [int((one.targets != IGNORED).sum()) for one in windows]
    assert sum(with_target) == len(cut.pieces.ids) + 2 * len(windows)
    assert {int(one.targets[0]) for one in windows} == {scheme.number("CLS")}
    assert {int(one.targets[-1]) for one in windows} == {scheme.number("SEP")}


@pytest.mark.parametrize("context", EVERY)
def test_what_teachers_say_of_a_word_is_learned_once_under_a_context(context: Context) -> None:
    text = "Niega alergia a penicilina. Toma hierro. " * 6
    n_words = len(split_words(text))
    rows = np.zeros((n_words, len(SCHEME.tags)), dtype=np.float16)
    rows[np.arange(n_words), np.arange(n_words) % 3] = 1.0
    cutter = Cutter(fake_tokenizer(), 40, context)
    windows = soft_windows([SoftText(text, rows)], cutter, SCHEME)
    said = [row for one in windows if one.soft is not None for row in one.soft if row.any()]
    assert np.array_equal(said, rows)


def test_features_go_into_the_batch_piece_by_piece() -> None:
    tokenizer = fake_tokenizer()
    text = "Toma penicilina y ácido fólico."
    cutter = Cutter(tokenizer, 64, lexicon=Lexicon.of(["ácido fólico", "penicilina"]))
    cut = cutter.cut(text)
    batch = batch_windows(cut.windows, tokenizer.special.pad)
    counts = cut.pieces.counts().tolist()
    expected = [0]
    for feature, count in zip([0, 1, 0, 1, 2, 0], counts, strict=True):
        expected += [feature] * count
    assert batch.features is not None
    assert batch.features.tolist() == [[*expected, 0]]
    assert batch_windows(Cutter(tokenizer, 64).cut(text).windows, 0).features is None
