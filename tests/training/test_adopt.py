"""Taggers of others, made on the spot: random, or fitted here and then renamed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoConfig, AutoModelForTokenClassification, AutoTokenizer

from farmaner.cli import run
from farmaner.document import Document
from farmaner.encoders import ModelSettings
from farmaner.errors import ConfigError, FarmanerError
from farmaner.recognizer import load
from farmaner.training.adopt import NEVER, adopt
from farmaner.training.config import TrainingConfig
from farmaner.training.export import export
from farmaner.training.loop import train

pytestmark = [pytest.mark.train, pytest.mark.slow]

Folder = Callable[[str], str]


@pytest.fixture(scope="module")
def note(notes: list[Document]) -> Document:
    return next(note for note in notes if len(note.entities) >= 8)


@pytest.fixture(scope="module")
def fitted(
    note: Document, encoder_folder: Folder, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str, str], Path]:
    """Return a function from an encoder's family and a scheme to a model that knows the note."""
    made: dict[tuple[str, str], Path] = {}

    def folder(family: str, scheme: str) -> Path:
        if (family, scheme) not in made:
            config = TrainingConfig(
                encoder=encoder_folder(family),
                scheme=scheme,  # type: ignore[arg-type]
                max_pieces=64,
                epochs=40,
                batch_size=1,
                learning_rate=3e-3,
                dropout=0.0,
            )
            output = tmp_path_factory.mktemp("fitted") / f"{family}-{scheme}"
            train(config, [note], output=output)
            made[family, scheme] = output
        return made[family, scheme]

    return folder


def renamed(model: Path, output: Path, names: dict[str, str]) -> Path:
    """Save a model's checkpoint as others have it: rows turned round, tags by other names."""
    tagger = AutoModelForTokenClassification.from_pretrained(model)
    tags = list(tagger.config.id2label.values())[::-1]
    with torch.no_grad():
        tagger.classifier.weight.copy_(tagger.classifier.weight.flip(0))
        tagger.classifier.bias.copy_(tagger.classifier.bias.flip(0))
    tagger.config.id2label = {n: names.get(tag, tag) for n, tag in enumerate(tags)}
    tagger.config.label2id = {tag: n for n, tag in tagger.config.id2label.items()}
    tagger.save_pretrained(output)
    AutoTokenizer.from_pretrained(model).save_pretrained(output)
    assert not (output / "farmaner.json").exists()
    return output


FOREIGN = {
    "B-NORMALIZABLES": "B-DRUG",
    "I-NORMALIZABLES": "I-DRUG",
    "B-NO_NORMALIZABLES": "LABEL_7",
    "I-NO_NORMALIZABLES": "LABEL_8",
}
NAMES = {
    "DRUG": "NORMALIZABLES",
    "LABEL_7": "B-NO_NORMALIZABLES",
    "LABEL_8": "I-NO_NORMALIZABLES",
}


@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_a_renamed_tagger_finds_what_it_found_before_in_torch_and_exported(
    family: str, note: Document, fitted: Callable[[str, str], Path], tmp_path: Path
) -> None:
    model = fitted(family, "iob2")
    checkpoint = renamed(model, tmp_path / "theirs", FOREIGN)
    adopted = adopt(str(checkpoint), tmp_path / "ours", names=NAMES, max_pieces=64)
    expected = {entity.key: entity.score for entity in load(model).recognize(note.text).entities}
    assert len(expected) >= 8
    for backend in ("torch", "onnx"):
        found = load(adopted.folder, backend=backend).recognize(note.text)
        scores = {entity.key: entity.score for entity in found.entities}
        assert scores == pytest.approx(expected, abs=1e-4)
        if backend == "torch":
            export(adopted.folder)


def test_bioes_tags_are_read_as_bioes(
    note: Document, fitted: Callable[[str, str], Path], tmp_path: Path
) -> None:
    model = fitted("bert", "bioes")
    bilou = {
        f"{ours}-{label}": f"{theirs}-{label}"
        for label in ("NORMALIZABLES", "NO_NORMALIZABLES", "PROTEINAS")
        for ours, theirs in (("E", "L"), ("S", "U"))
    }
    checkpoint = renamed(model, tmp_path / "theirs", bilou)
    adopted = adopt(str(checkpoint), tmp_path / "ours", max_pieces=64)
    assert adopted.tags.scheme.name == "bioes"
    found = load(adopted.folder).recognize(note.text).entities
    gold = {entity.key for entity in note.entities if entity.label != "UNCLEAR"}
    assert {entity.key for entity in found} == gold


def random_tagger(encoder: str, output: Path, tags: list[str]) -> Path:
    config = AutoConfig.from_pretrained(encoder)
    config.id2label = dict(enumerate(tags))
    config.label2id = {tag: number for number, tag in enumerate(tags)}
    tagger = AutoModelForTokenClassification.from_pretrained(encoder, config=config)
    torch.manual_seed(7)
    for parameter in tagger.parameters():
        if parameter.ndim == 1:  # biases of 0 are one and the same to the exporter
            torch.nn.init.normal_(parameter)
    torch.nn.init.normal_(tagger.classifier.weight)
    tagger.save_pretrained(output)
    AutoTokenizer.from_pretrained(encoder).save_pretrained(output)
    return output


def logits(folder: Path) -> Any:
    tagger = AutoModelForTokenClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        return tagger(input_ids=torch.arange(5, 25)[None]).logits[0]


def test_rows_are_put_in_our_order_dropped_or_never_chosen(
    encoder_folder: Folder, tmp_path: Path
) -> None:
    tags = ["I-GEN", "B-X", "O", "I-DRUG"]
    theirs = random_tagger(encoder_folder("roberta"), tmp_path / "theirs", tags)
    adopt(str(theirs), tmp_path / "ours", dropped=["X"], scheme="iob2")
    before, after = logits(theirs), logits(tmp_path / "ours")
    config = json.loads((tmp_path / "ours" / "config.json").read_text())
    assert list(config["id2label"].values()) == ["O", "B-GEN", "I-GEN", "B-DRUG", "I-DRUG"]
    torch.testing.assert_close(after[:, [0, 2, 4]], before[:, [2, 0, 3]])
    assert (after[:, [1, 3]] == NEVER).all()
    assert ModelSettings.read(tmp_path / "ours").labels == ("GEN", "DRUG")
    exported = export(tmp_path / "ours")
    assert exported.largest_difference < 1e-4
    labels = {e.label for e in load(tmp_path / "ours").recognize("Toma ácido fólico.").entities}
    assert labels <= {"GEN", "DRUG"}


def test_a_tokenizer_of_plantls_kind_cuts_a_text_as_transformers_cuts_it(
    notes: list[Document], encoder_folder: Folder, tmp_path: Path
) -> None:
    """Byte-level BPE in `vocab.json` and `merges.txt`, with `add_prefix_space`."""
    from transformers import RobertaTokenizerFast

    from farmaner.encoders import load_tokenizer
    from farmaner.text import split_words

    encoder = encoder_folder("roberta")
    theirs = random_tagger(encoder, tmp_path / "theirs", ["O", "B-N", "I-N"])
    bpe = json.loads((theirs / "tokenizer.json").read_text())["model"]
    merges: Any = [tuple(pair) for pair in bpe["merges"]]
    tokenizer = RobertaTokenizerFast(vocab=bpe["vocab"], merges=merges, add_prefix_space=True)
    for old in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (theirs / old).unlink(missing_ok=True)
    tokenizer.save_pretrained(theirs)
    adopt(str(theirs), tmp_path / "ours")
    ours = load_tokenizer(tmp_path / "ours", ModelSettings.read(tmp_path / "ours"))
    for text in ("Niega alergia a penicilina.", "Toma ácido fólico y hierro (oral) sin más."):
        expected = tokenizer(text, add_special_tokens=False)["input_ids"]
        assert ours.encode(text, split_words(text)).ids.tolist() == expected


def test_what_is_no_tagger_or_has_no_place_is_one_line(
    encoder_folder: Folder, tmp_path: Path
) -> None:
    output = tmp_path / "ours"
    encoder = encoder_folder("bert")

    def refused(checkpoint: str, **given: Any) -> str:
        with pytest.raises(FarmanerError) as caught:
            adopt(checkpoint, output, **given)
        assert not output.exists()
        return str(caught.value)

    assert refused(encoder) == (
        f"{encoder}: expected a tagger (…ForTokenClassification), found BertModel; an encoder is "
        f"made one by: farmaner train --encoder {encoder}"
    )
    theirs = str(random_tagger(encoder, tmp_path / "theirs", ["O", "B-N", "I-N", "RARO"]))
    assert refused(theirs).startswith("tag 'RARO': expected O or one such as B-DRUG, found neither")
    assert refused(theirs, dropped=["RARO"], max_pieces=500) == (
        f"max_pieces: expected at most 130, which {theirs} can read, found 500"
    )
    assert "no such folder" in refused("/no/hay")
    shutil.copytree(encoder, tmp_path / "headless")
    config = json.loads((tmp_path / "headless" / "config.json").read_text())
    config["architectures"] = ["BertForTokenClassification"]
    config["id2label"] = {"0": "O", "1": "I-N"}
    (tmp_path / "headless" / "config.json").write_text(json.dumps(config))
    headless = str(tmp_path / "headless")
    assert refused(headless) == (
        f"{headless}: expected the weights of a tagger, found no classifier.bias"
    )
    with pytest.raises(ConfigError, match="expected a new or empty folder, found files in it"):
        adopt(theirs, tmp_path / "theirs", dropped=["RARO"])


def test_the_command_tells_what_each_tag_became_and_takes_any_labels(
    encoder_folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = random_tagger(
        encoder_folder("bert"), tmp_path / "theirs", ["O", "B-DRUG", "X", "I-DRUG"]
    )
    ours = tmp_path / "ours"
    command = ["import", str(theirs), "--output", str(ours), "--label", "DRUG=fármaco"]
    assert run(command) == 1
    assert "tag 'X': expected O" in capsys.readouterr().err
    assert run([*command, "--drop", "X"]) == 0
    printed = capsys.readouterr()
    assert printed.out == f"{ours}\n"
    assert printed.err.splitlines() == [
        "O -> O",
        "B-DRUG -> B-fármaco",
        "X -> (dropped)",
        "I-DRUG -> I-fármaco",
    ]
    assert run([*command, "--label", "sin"]) == 2
    assert {e.label for e in load(ours).recognize("Toma hierro oral.").entities} <= {"fármaco"}
