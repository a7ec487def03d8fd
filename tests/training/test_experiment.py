"""An experiment: what is fitted on what, what is written, and that nothing is done twice."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import pytest

from farmaner.cli import run
from farmaner.document import Document
from farmaner.errors import ConfigError
from farmaner.evaluation.official import score_ner
from farmaner.formats.brat import read_brat
from farmaner.training.config import TrainingConfig
from farmaner.training.plan import read_experiment

pytest.importorskip("scipy", reason="needs the extra `stats` (scipy)")
pytestmark = pytest.mark.train

Splits = dict[str, Path]
SETTINGS = ", ".join(sorted(field.name for field in fields(TrainingConfig)))


def write_plan(folder: Path, splits: Splits, *, encoder: str = "x", more: str = "") -> Path:
    folder.mkdir(exist_ok=True)
    base = f'encoder = "{encoder}"\nmax_pieces = 64\nepochs = 2\nprecision = "float32"\n'
    (folder / "given.toml").write_text(base + "patience = 1\n")
    search = '[search]\nsampler = "grid"\n[search.space]\nlearning_rate = [1e-4, 3e-3]\n'
    (folder / "searched.toml").write_text(base + search)
    path = folder / "plan.toml"
    path.write_text(
        f'train = "{splits["train"]}"\ndev = "{splits["dev"]}"\nseeds = [3, 5]\n{more}'
        '[[system]]\nname = "uno"\nconfig = "given.toml"\n'
        '[[system]]\nname = "dos"\nconfig = "searched.toml"\n'
    )
    return path


class Pretended:
    """Trainings and models that only pretend, and remember what they were asked for.

    System dos, of the higher learning rate, finds every entity; uno misses as many of a
    document's first ones as its seed says.
    """

    def __init__(self, notes: Sequence[Document]) -> None:
        self.notes = {note.id: note for note in notes}
        self.fits: list[tuple[str, int, list[str], list[str]]] = []

    def fit(
        self,
        config: TrainingConfig,
        documents: Sequence[Document],
        dev: Sequence[Document],
        output: Path,
        **_: object,
    ) -> dict[str, Any]:
        assert not (documents and dev and {d.id for d in documents} & {d.id for d in dev})
        fitted, judged = [d.id for d in documents], [d.id for d in dev]
        self.fits.append((output.parent.name, config.seed, fitted, judged))
        f1 = 0.9 if config.learning_rate == 3e-3 else 0.2
        (output / "model.txt").write_text(str(0 if f1 == 0.9 else config.seed))
        (output / "metrics.jsonl").write_text(json.dumps({"epoch": 1, "f1": f1}) + "\n")
        assert bool(config.patience) <= bool(dev)
        return {"dev": {"micro": {"precision": f1, "recall": f1, "f1": f1}}, "seconds": 1.0}

    def load(self, model: Path, **_: object) -> Pretended:
        self.missed = int((model / "model.txt").read_text())
        return self

    def recognize_documents(self, documents: Iterable[Document]) -> Iterator[Document]:
        for document in documents:
            assert document.entities == ()
            yield document.with_entities(self.notes[document.id].entities[self.missed :])


@pytest.fixture
def pretended(notes: list[Document], monkeypatch: pytest.MonkeyPatch) -> Pretended:
    pytest.importorskip("optuna", reason="needs the extra `tune` (optuna)")
    pretended = Pretended(notes)
    # tune first: imported while fitting is patched, it would keep the pretended one for good
    monkeypatch.setattr("farmaner.training.tune.fit", pretended.fit)
    monkeypatch.setattr("farmaner.training.fitting.fit", pretended.fit)
    monkeypatch.setattr("farmaner.training.experiment.load", pretended.load)
    return pretended


def ids(folder: Path) -> list[str]:
    return [document.id for document in read_brat(folder)]


def test_without_test_texts_it_reports_dev_fitted_on_train_alone_and_says_so(
    pretended: Pretended, splits: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "run"
    assert run(["experiment", str(write_plan(tmp_path / "c", splits)), "-o", str(output)]) == 0
    train, dev = ids(splits["train"]), ids(splits["dev"])
    assert pretended.fits == [
        ("dev", 3, train, dev),
        ("dev", 5, train, dev),
        ("trials", 13, train, dev),
        ("trials", 13, train, dev),
        ("dev", 3, train, dev),
        ("dev", 5, train, dev),
    ]
    results = json.loads((output / "results" / "results.json").read_text())
    assert (results["split"], results["fitted_on"], results["n_documents"]) == ("dev", "train", 4)
    uno, dos = results["systems"]
    assert [(uno["system"], uno["searched"]), (dos["system"], dos["searched"])] == [
        ("uno", False),
        ("dos", True),
    ]
    assert dos["settings"]["learning_rate"] == 3e-3
    f1 = []
    for seed in (3, 5):
        submission = output / "uno" / f"seed-{seed}" / "dev" / "submission" / "subtask1"
        assert sorted(path.name for path in submission.iterdir()) == [f"{id_}.ann" for id_ in dev]
        f1.append(score_ner(splits["dev"], submission).micro.f1)
    assert [seed["dev"]["micro"]["f1"] for seed in uno["seeds"]] == f1
    assert uno["dev"]["f1"] == {"mean": mean(f1), "deviation": stdev(f1)}
    assert dos["dev"]["f1"] == {"mean": 1.0, "deviation": 0.0}
    assert (uno["test"], uno["seeds"][0]["test"]) == (None, None)

    (difference,) = results["differences"]
    assert (difference["a"], difference["b"]) == ("uno", "dos")
    assert difference["difference"] == pytest.approx(mean(f1) - 1)
    assert difference["interval"]["low"] <= difference["difference"]
    table = (output / "results" / "table.md").read_text()
    assert table.splitlines()[0] == "| system | P | R | F1 |"
    assert "| dos | 100.00 ± 0.00 | 100.00 ± 0.00 | 100.00 ± 0.00 |" in table
    assert "dev, 4 documents, exact match, strict rules, micro, %" in table
    assert "Fitted on train: no test texts were given." in table
    assert capsys.readouterr().out == f"{table}\n{output / 'results'}\n"


def test_with_gold_it_reports_test_fitted_on_train_and_dev(
    pretended: Pretended, splits: Splits, tmp_path: Path
) -> None:
    plan, output = write_plan(tmp_path / "c", splits), tmp_path / "run"
    assert run(["experiment", str(plan), "-o", str(output), "--test", str(splits["test"])]) == 0
    both = [*ids(splits["train"]), *ids(splits["dev"])]
    assert [fit for fit in pretended.fits if fit[0] == "test"] == [
        ("test", 3, both, []),
        ("test", 5, both, []),
        ("test", 3, both, []),
        ("test", 5, both, []),
    ]
    results = json.loads((output / "results" / "results.json").read_text())
    assert (results["split"], results["fitted_on"]) == ("test", "train + dev")
    f1 = [
        score_ner(splits["test"], output / f"uno/seed-{seed}/test/submission/subtask1").micro.f1
        for seed in (3, 5)
    ]
    assert results["systems"][0]["test"]["f1"] == {"mean": mean(f1), "deviation": stdev(f1)}
    table = (output / "results" / "table.md").read_text()
    assert "test, 4 documents" in table
    assert "Fitted on train + dev." in table


def test_test_texts_without_gold_are_annotated_and_dev_is_reported(
    pretended: Pretended, splits: Splits, tmp_path: Path
) -> None:
    plan, output, texts = write_plan(tmp_path / "c", splits), tmp_path / "run", tmp_path / "texts"
    shutil.copytree(splits["test"], texts, ignore=shutil.ignore_patterns("*.ann"))
    assert run(["experiment", str(plan), "-o", str(output), "--test", str(texts)]) == 0
    results = json.loads((output / "results" / "results.json").read_text())
    assert (results["split"], results["systems"][0]["test"]) == ("dev", None)
    table = (output / "results" / "table.md").read_text()
    assert "Fitted on train: the test texts have no gold beside them." in table
    submission = output / "dos" / "seed-5" / "test" / "submission" / "subtask1"
    assert len(list(submission.glob("*.ann"))) == 4


def test_some_gold_among_the_test_texts_is_one_line(
    pretended: Pretended, splits: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, texts = write_plan(tmp_path / "c", splits), tmp_path / "texts"
    shutil.copytree(splits["test"], texts)
    first = min(texts.glob("*.ann"))
    first.unlink()
    assert run(["experiment", str(plan), "-o", str(tmp_path / "r"), "--test", str(texts)]) == 1
    assert capsys.readouterr().err == (
        f"farmaner: {first.with_suffix('.txt')}: expected {first.name} beside it, found none\n"
    )


def test_a_second_run_does_nothing_and_a_changed_setting_only_what_hangs_on_it(
    pretended: Pretended, splits: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan, output = write_plan(tmp_path / "c", splits), tmp_path / "run"
    assert run(["experiment", str(plan), "-o", str(output)]) == 0
    first = capsys.readouterr()
    pretended.fits.clear()
    assert run(["experiment", str(plan), "-o", str(output)]) == 0
    second = capsys.readouterr()
    assert second.out == first.out
    assert pretended.fits == []
    assert {line.split(": ")[1] for line in second.err.splitlines()} == {"already done"}

    given = plan.with_name("given.toml")
    given.write_text(given.read_text().replace("epochs = 2", "epochs = 3"))
    assert run(["experiment", str(plan), "-o", str(output)]) == 0
    assert [(kind, seed) for kind, seed, *_ in pretended.fits] == [("dev", 3), ("dev", 5)]
    lines = capsys.readouterr().err.splitlines()
    assert "dos/seed-3/dev/model: already done" in lines
    assert "uno/seed-3/dev/submission: already done" in lines  # the same model came out
    assert any(line.startswith("results: inputs changed (answers)") for line in lines)


@pytest.mark.slow
def test_an_experiment_killed_in_the_middle_ends_as_an_unbroken_one(
    encoder_folder: Callable[[str], str],
    splits: Splits,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    plan = write_plan(tmp_path / "c", splits, encoder=encoder_folder("bert"))
    plan.write_text(plan.read_text().replace("searched.toml", "other.toml"))
    other = (plan.parent / "given.toml").read_text() + 'scheme = "paper"\nlearning_rate = 3e-3\n'
    (plan.parent / "other.toml").write_text(other)
    broken, unbroken = tmp_path / "broken", tmp_path / "unbroken"
    command = ["experiment", str(plan), "--test", str(splits["test"]), "-o"]
    running = subprocess.Popen(
        [sys.executable, "-m", "farmaner", *command, str(broken)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    metrics = broken / "uno" / "seed-5" / "dev" / "model" / "metrics.jsonl"
    deadline = time.monotonic() + 240
    while not (metrics.exists() and metrics.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL
    assert not (broken / "dos").exists()

    assert run([*command, str(broken)]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert "uno/seed-3/test/submission: already done" in lines
    assert "uno/seed-5/dev/model: goes on" in lines
    assert run([*command, str(unbroken)]) == 0
    tables = [(output / "results" / "table.md").read_text() for output in (broken, unbroken)]
    assert tables[0] == tables[1]
    answers = [submissions(output) for output in (broken, unbroken)]
    assert answers[0] == answers[1]
    assert len(answers[0]) == 2 * 2 * 2 * 4


def submissions(output: Path) -> dict[str, str]:
    return {
        path.relative_to(output).as_posix(): path.read_text(encoding="utf-8")
        for path in output.rglob("subtask1/*.ann")
    }


def test_a_system_s_own_settings_go_over_those_of_all_and_its_lexicon_is_looked_for_first(
    pretended: Pretended, splits: Splits, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = write_plan(tmp_path / "c", splits, more="[settings]\nmax_pieces = 80\n")
    plan.write_text(
        plan.read_text().replace(
            'config = "searched.toml"',
            'config = "given.toml"\nsettings = { max_pieces = 96, context = "document" }',
        )
    )
    uno, dos = read_experiment(plan).systems
    one, other = (system.setting({"max_pieces": 80}) for system in (uno, dos))
    assert isinstance(one, TrainingConfig)
    assert isinstance(other, TrainingConfig)
    assert (one.max_pieces, one.context) == (80, "none")
    assert (other.max_pieces, other.context) == (96, "document")

    terms, output = tmp_path / "terms.txt", tmp_path / "run"
    command = ["experiment", str(plan), "-o", str(output), "--lexicon", f"dos={terms}"]
    assert run(command) == 1
    assert capsys.readouterr().err == (
        f"farmaner: {terms}: expected a readable file, found: No such file or directory\n"
    )
    assert pretended.fits == []
    terms.write_text("hierro\n", encoding="utf-8")
    assert run(command) == 0
    results = json.loads((output / "results" / "results.json").read_text())
    assert [
        (one["settings"]["context"], one["settings"]["lexicon"]) for one in results["systems"]
    ] == [
        ("none", ""),
        ("document", str(terms)),
    ]
    pretended.fits.clear()
    terms.write_text("hierro\nsodio\n", encoding="utf-8")
    assert run(command) == 0
    assert [(kind, seed) for kind, seed, *_ in pretended.fits] == [("dev", 3), ("dev", 5)]
    assert "uno/seed-3/dev/model: already done" in capsys.readouterr().err.splitlines()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "seeds: expected a list of different whole numbers, found something else or none"),
        (
            "seeds = [1, 1]",
            "seeds: expected a list of different whole numbers, found something else or none",
        ),
        (
            "seeds = [1]",
            "system: expected a list of tables [[system]], found something else or none",
        ),
        (
            'seeds = [1]\n[[system]]\nname = "a"\nconfig = "a.toml"',
            "train: expected one or more folders, found something else or none",
        ),
        (
            'seeds = [1]\ntrain = "t"\n[[system]]\nname = "a"\nconfig = "a.toml"',
            "dev: expected a folder, found something else or none",
        ),
        (
            'seeds = [1]\n[[system]]\nname = "a/b"\nconfig = "a.toml"',
            "system.name: expected a name of its own that can be a folder's, "
            "found something else or none",
        ),
        (
            'seeds = [1]\n[[system]]\nname = "results"\nconfig = "a.toml"',
            "system.name: expected a name of its own that can be a folder's, "
            "found something else or none",
        ),
        (
            'seeds = [1]\n[settings]\nepoch = 3\n[[system]]\nname = "a"\nconfig = "a.toml"',
            f"expected one of {SETTINGS}, found the unknown key 'epoch'",
        ),
        (
            'seeds = [1]\n[[system]]\nname = "a"\nconfig = "a.toml"\nsettings = { lexico = "x" }',
            f"expected one of {SETTINGS}, found the unknown key 'lexico'",
        ),
        (
            'seeds = [1]\n[[system]]\nname = "a"\nconfig = "a.toml"\nsettings = "b.toml"',
            "system.settings: expected a table of settings, found something else or none",
        ),
        (
            "seed = [1]",
            "expected one of dev, seeds, settings, system, test, train, "
            "found the unknown key 'seed'",
        ),
    ],
)
def test_a_plan_that_cannot_be_is_one_line(content: str, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text(content)
    with pytest.raises(ConfigError) as error:
        read_experiment(path)
    assert str(error.value) == f"{path}: {complaint}"


def test_flags_go_over_the_file_and_its_paths_are_relative_to_it(
    splits: Splits, tmp_path: Path
) -> None:
    path = write_plan(tmp_path / "c", splits)
    path.write_text(path.read_text().replace(str(splits["dev"]), "../dev"))
    plan = read_experiment(path)
    assert (plan.dev, plan.test) == (tmp_path / "c" / "../dev", None)
    assert [system.encoder for system in plan.systems] == [None, None]
    over = read_experiment(
        path, train=[Path("a"), Path("b")], dev=Path("c"), test=Path("d"), encoders={"dos": "e"}
    )
    assert (over.train, over.dev, over.test) == ((Path("a"), Path("b")), Path("c"), Path("d"))
    assert [system.encoder for system in over.systems] == [None, "e"]
    with pytest.raises(ConfigError) as error:
        read_experiment(path, encoders={"tres": "e"})
    assert str(error.value) == f"{path}: expected an encoder of uno, dos, found 'tres'"
    with pytest.raises(ConfigError) as error:
        read_experiment(path, lexicons={"tres": "e"})
    assert str(error.value) == f"{path}: expected a lexicon of uno, dos, found 'tres'"
    assert run(["experiment", str(path), "--lexicon", "=x"]) == 2
    assert run(["experiment", str(path), "--encoder", "dos"]) == 2
