"""One temperature makes scores honest and leaves entities as they are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from farmaner.cli import run
from farmaner.document import Document
from farmaner.encoders import ModelSettings
from farmaner.errors import CorpusError
from farmaner.formats.brat import read_brat
from farmaner.recognizer import bundled_model, load
from farmaner.testing import fake_recognizer, fake_settings

pytest.importorskip("scipy", reason="needs the extra `stats` (scipy)")

from farmaner.evaluation.confidence import confidence
from farmaner.training.calibration import (
    calibrate,
    log_loss,
    reliability_table,
    write_temperature,
)

NOTES = Path(__file__).parents[2] / "examples" / "notes"
TEXT = "Niega alergia a penicilina. Toma paracetamol y ácido fólico."


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the bundled model without a temperature."""
    folder = tmp_path / "model"
    shutil.copytree(bundled_model(), folder)
    write_temperature(folder, 1.0)
    return folder


@pytest.fixture(scope="module")
def notes() -> list[Document]:
    return read_brat(NOTES)


def test_settings_without_a_temperature_mean_one(tmp_path: Path) -> None:
    settings = fake_settings()
    settings.write(tmp_path)
    path = tmp_path / "farmaner.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content.pop("temperature") == 1.0
    path.write_text(json.dumps(content), encoding="utf-8")
    assert ModelSettings.read(tmp_path) == settings


def test_a_temperature_lowers_scores_and_changes_no_entity(model: Path) -> None:
    before = load(model).recognize(TEXT).entities
    write_temperature(model, 2.0)
    after = load(model).recognize(TEXT).entities
    assert [entity.key for entity in after] == [entity.key for entity in before]
    for one, other in zip(before, after, strict=True):
        assert one.score is not None
        assert other.score is not None
        assert 0 < other.score < one.score
    assert before


def test_log_loss_counts_what_is_right_and_what_is_wrong() -> None:
    assert log_loss([(0.5, True), (0.5, False)]) == pytest.approx(0.6931, abs=1e-4)
    assert log_loss([(0.9, True)]) == pytest.approx(0.1054, abs=1e-4)
    assert log_loss([(1.0, False)]) < 20


def test_the_fitted_temperature_has_less_log_loss_than_any_other(
    model: Path, notes: list[Document]
) -> None:
    result = calibrate(model, notes)
    assert result.n_documents == len(notes)
    n_found = [sum(bin_.n_entities for bin_ in one.bins) for one in (result.before, result.after)]
    assert n_found[0] == n_found[1] > 500
    losses = {}
    for factor in (0.5, 1.0, 2.0):
        write_temperature(model, factor * result.temperature)
        answers = load(model).recognize_documents(notes)
        losses[factor] = log_loss(
            [
                (entity.score or 0.0, entity.key in {gold.key for gold in note.entities})
                for note, answer in zip(notes, answers, strict=True)
                for entity in answer.entities
            ]
        )
    assert min(losses, key=lambda factor: losses[factor]) == 1.0


def test_reliability_is_at_temperatures_that_other_documents_chose(
    model: Path, notes: list[Document]
) -> None:
    result = calibrate(model, notes)
    expected = []
    for half, other in ((0, 1), (1, 0)):
        write_temperature(model, calibrate(model, notes[other::2]).temperature)
        part = notes[half::2]
        for note, answer in zip(part, load(model).recognize_documents(part), strict=True):
            gold = {entity.key for entity in note.entities}
            expected += [(entity.score or 0.0, entity.key in gold) for entity in answer.entities]
        write_temperature(model, 1.0)
    assert result.after.bins == confidence(expected, 0).bins
    assert result.after.bins != result.before.bins


def test_documents_on_which_everything_is_right_say_nothing_about_wrong(model: Path) -> None:
    answered = load(model).recognize(TEXT)
    with pytest.raises(CorpusError) as error:
        calibrate(model, [answered])
    n_found = len(answered.entities)
    assert str(error.value) == (
        "calibration documents: expected right and wrong entities of the model, found "
        f"{n_found} right of {n_found}"
    )


def test_the_table_shows_both_and_their_errors() -> None:
    before = confidence([(0.95, True), (0.95, False)], 2)
    after = confidence([(0.55, True), (0.55, False)], 2)
    assert reliability_table(before, after) == (
        "| scores | entities before | right | entities calibrated | right |\n"
        "|---|--:|--:|--:|--:|\n"
        "| 0.5–0.6 | – | – | 2 | 50.0 % |\n"
        "| 0.9–1.0 | 2 | 50.0 % | – | – |\n"
        "| expected calibration error | 0.4500 | | 0.0500 | |\n"
    )


def test_the_command_stores_the_temperature(
    model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["calibrate", str(model), str(NOTES)]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("| scores | entities before |")
    temperature = ModelSettings.read(model).temperature
    assert f"temperature {temperature:g} from 42 documents" in printed.err
    assert temperature != 1.0


def test_a_fake_recognizer_needs_no_temperature() -> None:
    document = fake_recognizer({"ibuprofeno": "NORMALIZABLES"}).recognize("Toma ibuprofeno.")
    assert [entity.text for entity in document.entities] == ["ibuprofeno"]
