"""Model cards, and what of a folder goes to the hub; the hub itself is a fake."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("transformers", reason="needs the extra `train` (transformers)")

from huggingface_hub import ModelCard, RepoUrl

from farmaner.cli import run
from farmaner.errors import ConfigError, FormatError, HubError
from farmaner.testing import fake_settings
from farmaner.training import push as pushing
from farmaner.training.card import model_card
from farmaner.training.push import plan_upload, push

pytestmark = pytest.mark.train

COUNTS = {
    "true_positives": 3,
    "false_positives": 1,
    "false_negatives": 2,
    "precision": 0.75,
    "recall": 0.6,
    "f1": 2 / 3,
}
SCORE = {
    "rules": "strict",
    "documents": {"scored": 1, "missing": ["paciente-88"], "unknown": []},
    "micro": COUNTS,
    "labels": {"PROTEINAS": COUNTS},
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model folder as a training leaves it; the weights are a few bytes."""
    folder = tmp_path / "modelo"
    (folder / "onnx").mkdir(parents=True)
    (folder / "checkpoints" / "checkpoint-8").mkdir(parents=True)
    replace(fake_settings(["PROTEINAS"]), name="modelo").write(folder)
    coverage = {
        "n_documents": 2,
        "n_words": 31,
        "n_entities": 4,
        "widened": [["paciente-77", "PROTEINAS", 0, 3]],
        "dropped": [["paciente-77", "PROTEINAS", 5, 9]],
    }
    training = {"encoder": "/home/ana/encoders/x", "epochs": 3, "learning_rate": 1e-4, "seed": 13}
    for name, content in {
        "training.json": json.dumps(training),
        "training-summary.json": json.dumps({"coverage": coverage, "dev": SCORE}),
        "metrics.jsonl": "{}\n",
        "learning-curve.png": "png",
        "checkpoints/checkpoint-8/model.safetensors": "old",
        "config.json": "{}",
        "tokenizer.json": "{}",
        "tokenizer_config.json": "{}",
        "model.safetensors": "weights",
        "onnx/model_int8.onnx": "onnx",
    }.items():
        (folder / name).write_text(content)
    return folder


CARD = """---
language: es
library_name: transformers
license: cc-by-4.0
pipeline_tag: token-classification
tags:
- farmaner
- named-entity-recognition
- clinical
- biomedical
model-index:
- name: modelo
  results:
  - task:
      type: token-classification
      name: Named entity recognition
    dataset:
      name: Development documents
      type: development-documents
    metrics:
    - type: f1
      value: 0.6667
      name: F1 (exact match, micro, strict rules)
    - type: precision
      value: 0.75
      name: Precision (exact match, micro, strict rules)
    - type: recall
      value: 0.6
      name: Recall (exact match, micro, strict rules)
---

# modelo

Finds `PROTEINAS` in Spanish clinical text.

```python
import farmaner

recognizer = farmaner.load("path/to/this/folder")
document = recognizer.recognize("Niega alergia a penicilina.")
```

`transformers` loads the folder too. Its pipeline reads a text in one piece, where farmaner reads
windows of 128 pieces, so give it sentences:

```python
from transformers import pipeline

tagger = pipeline("token-classification", "path/to/this/folder", aggregation_strategy="first")
```

## How it was made

- **Tags:** `O`, `B-PROTEINAS`, `I-PROTEINAS` (scheme `iob2`)
- **Fitted on:** 2 documents, 31 words, 4 entities
- **Settings:** epochs 3, learning_rate 0.0001, seed 13
- **Temperature of the scores:** 1.0

## What it scores

Development documents, exact match, strict rules, in %:

| label | P | R | F1 | TP | FP | FN |
|---|---|---|---|---|---|---|
| PROTEINAS | 75.00 | 60.00 | 66.67 | 3 | 1 | 2 |
| **all** | 75.00 | 60.00 | 66.67 | 3 | 1 | 2 |

The epoch was chosen on the same documents, which flatters these figures a little.

## Limits

- **No medical device.** It misses names and invents some; what it finds is for people to check.
- A name that is found was not therefore taken: denials and allergies are found alike.
"""


def test_a_card_says_what_the_folder_knows_and_names_no_document_and_no_path(model: Path) -> None:
    assert model_card(model, license="cc-by-4.0") == CARD


def head(card: str) -> dict[str, Any]:
    """Return the head of a card as the hub's own library reads it."""
    data: dict[str, Any] = ModelCard(card).data.to_dict()  # type: ignore[no-untyped-call]
    return data


def test_the_head_is_what_the_hub_reads(model: Path) -> None:
    data = head(model_card(model, base_model="nadie/encoder"))
    assert (data["language"], data["base_model"]) == ("es", "nadie/encoder")
    results = data["model-index"][0]["results"][0]["metrics"]
    assert {metric["type"]: metric["value"] for metric in results} == {
        "f1": 0.6667,
        "precision": 0.75,
        "recall": 0.6,
    }


@pytest.mark.parametrize(
    ("encoder", "base", "line"),
    [
        ("nadie/encoder", "nadie/encoder", "- **Encoder:** nadie/encoder"),
        ("bundled", None, "- **Encoder:** the model that comes with farmaner"),
        ("/home/ana/encoders/x", None, None),
        ("../x", None, None),
    ],
)
def test_the_base_model_is_an_encoder_that_has_a_name_on_the_hub(
    model: Path, encoder: str, base: str | None, line: str | None
) -> None:
    (model / "training.json").write_text(json.dumps({"encoder": encoder}))
    card = model_card(model)
    assert head(card).get("base_model") == base
    assert re.findall(r"^- \*\*Encoder.*$", card, re.MULTILINE) == ([line] if line else [])
    assert "No licence is stated" in card


def test_figures_of_an_evaluation_go_before_those_of_dev(model: Path, tmp_path: Path) -> None:
    system = {"system": "/s", **SCORE}
    report = {"task": "ner", "gold": "/g", "systems": [system]}
    scores = tmp_path / "score.json"
    scores.write_text(json.dumps(report))
    card = model_card(model, scores=scores, dataset="PharmaCoNER dev")
    assert "PharmaCoNER dev, exact match, strict rules, in %:" in card
    assert "type: pharmaconer-dev" in card
    assert "The epoch was chosen" not in card
    report["systems"] = [system, system]
    scores.write_text(json.dumps(report))
    with pytest.raises(FormatError, match="of one system, found 2 systems"):
        model_card(model, scores=scores)
    scores.write_text("[]")
    with pytest.raises(FormatError, match="of one system, found something else"):
        model_card(model, scores=scores)
    with pytest.raises(ConfigError, match="expected a readable file"):
        model_card(model, scores=tmp_path / "no.json")


def test_a_card_of_a_model_without_figures_says_so(model: Path) -> None:
    (model / "training-summary.json").unlink()
    (model / "model.safetensors").unlink()
    card = model_card(model)
    assert "No score is recorded with the model." in card
    assert "transformers" not in card
    assert "model-index" not in card


def test_only_what_belongs_to_the_model_goes_with_a_card(model: Path) -> None:
    upload = plan_upload(model, license="cc-by-4.0")
    assert list(upload.files) == [
        "farmaner.json",
        "config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "model.safetensors",
        "onnx/model_int8.onnx",
        "README.md",
    ]
    assert upload.files["README.md"] == CARD.encode()
    assert upload.sizes()["model.safetensors"] == len("weights")
    held = [f if isinstance(f, bytes) else f.read_bytes() for f in upload.files.values()]
    assert not any(b"paciente" in data or b"/home" in data for data in held)


def test_a_card_that_lies_in_the_folder_goes_as_it_is(model: Path) -> None:
    (model / "README.md").write_text("Mi modelo")
    assert plan_upload(model).files["README.md"] == model / "README.md"


def _held(file: str | Path | bytes) -> Path | bytes:
    return file if isinstance(file, bytes) else Path(file)


class FakeHub:
    """What `push` asks of a hub; it keeps what it was given."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def create_repo(self, repo_id: str, *, private: bool, exist_ok: bool) -> RepoUrl:
        if repo_id == "otra/cosa":
            raise OSError("403 Forbidden:\nno rights")
        self.asked.append((repo_id, private, exist_ok))
        return RepoUrl(f"https://huggingface.co/{repo_id}")

    def create_commit(self, repo_id: str, operations: list[Any], *, commit_message: str) -> None:
        self.asked.append((repo_id, {o.path_in_repo: _held(o.path_or_fileobj) for o in operations}))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    hub = FakeHub()
    monkeypatch.setattr(pushing, "HfApi", lambda: hub)
    monkeypatch.setattr(pushing, "hub_answers", lambda: True)
    monkeypatch.setattr(pushing, "get_token", lambda: "hf_x")
    return hub


def test_the_hub_gets_a_repository_and_one_commit_of_all_files(
    model: Path, hub: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["push", str(model), "ana/modelo", "--private"]) == 0
    files = dict(plan_upload(model).files)
    assert hub.asked == [("ana/modelo", True, True), ("ana/modelo", files)]
    assert capsys.readouterr().out == "https://huggingface.co/ana/modelo\n"


def test_a_dry_run_asks_the_hub_nothing(
    model: Path, hub: FakeHub, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["push", str(model), "ana/modelo", "--dry-run"]) == 0
    assert hub.asked == []
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "            7 model.safetensors\n" in printed.err
    assert "training" not in printed.err


def test_what_the_hub_refuses_is_one_line(model: Path, hub: FakeHub) -> None:
    upload = plan_upload(model)
    expected = "otra/cosa: expected the hub to take the model, found: 403 Forbidden: no rights"
    with pytest.raises(HubError, match=f"^{expected}$"):
        push(upload, "otra/cosa")


def test_without_a_token_nothing_is_asked(
    model: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushing, "get_token", lambda: None)
    with pytest.raises(HubError, match=r"^ana/m: expected a token of the hub, found none"):
        push(plan_upload(model), "ana/m")
    assert hub.asked == []


@pytest.mark.slow
def test_without_network_the_command_ends_with_one_line(model: Path, tmp_path: Path) -> None:
    closed = {"HF_ENDPOINT": "http://127.0.0.1:9", "HF_TOKEN": "hf_x", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "farmaner", "push", str(model), "ana/modelo"],
        env=os.environ | closed,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "farmaner: http://127.0.0.1:9: expected an answer of the hub, found none"
    )


def test_the_command_writes_a_card_to_stdout_or_a_file(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["card", str(model), "--license", "cc-by-4.0"]) == 0
    assert capsys.readouterr().out == CARD
    output = model / "README.md"
    assert run(["card", str(model), "--license", "cc-by-4.0", "--output", str(output)]) == 0
    assert output.read_text(encoding="utf-8") == CARD
    assert run(["card", str(tmp_path)]) == 1
    assert "expected a model folder with farmaner.json, found none" in capsys.readouterr().err
