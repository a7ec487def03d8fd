"""An experiment: several systems, several seeds, one table (Sun and Yang 2019, Table 2).

For each system: search its settings if it declares a search, and take the best on dev; for each
seed fit on train and annotate dev; where there are test texts, fit on train and dev as well, for
all the setting's epochs, and annotate them. Every part is a step (see `steps`) in a folder of its
own, under the system's name.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from farmaner.document import Document
from farmaner.errors import CorpusError
from farmaner.evaluation.significance import scipy_stats
from farmaner.formats.brat import list_folder, read_brat, read_brat_folders, read_text, write_ann
from farmaner.formats.files import make_folder
from farmaner.recognizer import load
from farmaner.text import read_lexicon
from farmaner.training.config import TrainingConfig, read_config
from farmaner.training.plan import RESULTS, Experiment, System
from farmaner.training.results import SUBMISSION, Answer, Data, write_results
from farmaner.training.search import BEST_FILE, Search
from farmaner.training.steps import ShowLine, Step, Steps, open_steps, show_line


@dataclass(frozen=True, slots=True)
class _Run:
    """What the parts of an experiment share."""

    experiment: Experiment
    steps: Steps
    jobs: int
    show: ShowLine


def run_experiment(
    experiment: Experiment, *, output: Path, jobs: int = 1, show: ShowLine = show_line
) -> Path:
    """Run or go on with an experiment; return the folder of `results.json` and `table.md`.

    A search runs in `jobs` processes. Raises CorpusError where some test texts have gold and
    others none, MissingExtraError where a search or an interval lacks its library, ConfigError
    where a system's settings cannot be read, what `read_lexicon` raises before anything is
    fitted, and whatever training raises.
    """
    settings = [system.setting(experiment.settings) for system in experiment.systems]
    if any(isinstance(setting, Search) for setting in settings):
        import_module("farmaner.training.tune")  # fails now if it must
    for setting in settings:
        _check_lexicon(setting)
    if len(settings) > 1:
        scipy_stats()
    data = Data(experiment.dev, experiment.test, judged=_has_gold(experiment.test))
    with open_steps(output, show=show) as steps:
        run = _Run(experiment, steps, jobs, show)
        answers = [
            answer
            for system, setting in zip(experiment.systems, settings, strict=True)
            for answer in _answers(run, system, setting)
        ]
        inputs = {
            "answers": [answer.as_input() for answer in answers],
            "data": dataclasses.asdict(data),
        }
        step = steps.run(RESULTS, inputs, lambda folder: write_results(answers, data, folder))
    return step.folder


def _check_lexicon(setting: TrainingConfig | Search) -> None:
    """Raise what reading the lexicon raises, if there is one."""
    lexicon = (setting.base if isinstance(setting, Search) else setting).lexicon
    if lexicon:
        read_lexicon(Path(lexicon))


def _answers(run: _Run, system: System, setting: TrainingConfig | Search) -> list[Answer]:
    """Return a system's answers in the given or chosen setting, one a seed."""
    searched = isinstance(setting, Search)
    chosen = _search(run, system, setting) if isinstance(setting, Search) else setting
    experiment = run.experiment
    answers = []
    for seed in experiment.seeds:
        config = dataclasses.replace(chosen, seed=seed)
        place = f"{system.name}/seed-{seed}"
        dev = _fit(run, f"{place}/dev", config, experiment.train, dev=experiment.dev)
        dev = _annotate(run, f"{place}/dev", config, dev, experiment.dev)
        test = None
        if experiment.test is not None:
            both = (*experiment.train, experiment.dev)
            test = _fit(run, f"{place}/test", dataclasses.replace(config, patience=0), both)
            test = _annotate(run, f"{place}/test", config, test, experiment.test)
        answers.append(Answer(system.name, config, searched, dev, test))
    return answers


def _search(run: _Run, system: System, search: Search) -> TrainingConfig:
    """Return the settings that did best on dev."""
    train, dev = run.experiment.train, run.experiment.dev

    def work(folder: Path) -> None:
        from farmaner.training.tune import tune

        tune(search, train, dev, output=folder, jobs=run.jobs, show=run.show)

    inputs = {"search": search.as_input(), "train": train, "dev": dev}
    step = run.steps.run(f"{system.name}/search", inputs, work, resumable=True)
    return read_config(step.folder / BEST_FILE, encoder=search.base.encoder)


def _fit(
    run: _Run, place: str, config: TrainingConfig, train: tuple[Path, ...], dev: Path | None = None
) -> Step:
    """Return the step whose folder is the fitted model; with `dev` its best epoch, or its last."""

    def work(folder: Path) -> None:
        from farmaner.training.fitting import fit

        documents = read_brat_folders(train)
        judge = read_brat(dev) if dev is not None else []
        fit(config, documents, judge, folder, show=lambda epoch: run.show(epoch.summary()))

    inputs = {"settings": config.as_input(), "train": train, "dev": dev}
    return run.steps.run(f"{place}/model", inputs, work, resumable=True)


def _annotate(run: _Run, place: str, config: TrainingConfig, model: Step, texts: Path) -> Step:
    """Return the step whose folder is the submission on a folder's texts; its gold is not read."""

    def work(folder: Path) -> None:
        recognizer = load(model.folder, backend="torch", max_batch_pieces=config.eval_batch_pieces)
        make_folder(folder / SUBMISSION)
        files, _ = list_folder(texts)
        documents = (Document(id_, read_text(path)) for id_, path in sorted(files.items()))
        for document in recognizer.recognize_documents(documents):
            write_ann(document, folder / SUBMISSION / f"{document.id}.ann")

    files, _ = list_folder(texts)
    inputs = {"model": model, "texts": files, "eval_batch_size": config.eval_batch_size}
    return run.steps.run(f"{place}/submission", inputs, work)


def _has_gold(test: Path | None) -> bool:
    """Whether the test texts have gold beside them; CorpusError where some have, or no text is."""
    if test is None:
        return False
    texts, anns = list_folder(test)
    if not texts:
        raise CorpusError(f"{test}: expected a folder with .txt files, found none")
    if anns and texts.keys() - anns.keys():
        first = min(texts.keys() - anns.keys())
        raise CorpusError(f"{texts[first]}: expected {first}.ann beside it, found none")
    return bool(anns)
