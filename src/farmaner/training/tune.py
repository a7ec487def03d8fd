"""Search: trainings with different settings, judged on dev, in one study that many may work on.

The study lies in `OUTPUT/study.db` and each trial in `OUTPUT/trials/NUMBER`. A trial belongs to
the process that holds the lock of its folder, and the system frees the lock when that process
ends, however it ends. So any number of processes on one machine can work on one study, and a
killed trial is taken up by whoever comes next, from its last epoch on.
"""

from __future__ import annotations

import fcntl
import json
import multiprocessing
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import torch

from farmaner.document import Document
from farmaner.errors import ConfigError, MissingExtraError
from farmaner.formats.brat import read_brat, read_brat_folders
from farmaner.formats.files import make_folder, write_text
from farmaner.training.fitting import fit
from farmaner.training.loop import CURVES_FILE, SUMMARY_FILE
from farmaner.training.progress import METRICS_FILE, Epoch
from farmaner.training.quiet import quiet_libraries
from farmaner.training.run import CONFIG_FILE
from farmaner.training.search import Range, Search
from farmaner.training.steps import LOCK_FILE, ShowLine, described, show_line
from farmaner.training.trials import Trial, write_trials

try:
    import optuna
    from optuna.trial import TrialState
except ImportError as error:
    raise MissingExtraError(error.name or "optuna", "tune") from error

SEARCH_FILE = "search.json"
STUDY_FILE = "study.db"
TRIALS = "trials"
WAIT_SECONDS = 2.0

_KEPT = {LOCK_FILE, CONFIG_FILE, METRICS_FILE, SUMMARY_FILE, CURVES_FILE}


@dataclass(frozen=True, slots=True)
class _Job:
    search: Search
    train: tuple[Path, ...]
    dev: Path
    output: Path
    threads: int | None


def tune(
    search: Search,
    train: Sequence[Path],
    dev: Path,
    *,
    output: Path,
    jobs: int = 1,
    show: ShowLine = show_line,
) -> list[Trial]:
    """Run or go on with a search; return its trials when all are done, the best first.

    `jobs` processes share the cores; more may be started on the same `output` by the same call.
    Writes `trials.csv`, `trials.png` and `best.toml`. A trial's weights are not kept.

    Raises ConfigError where `output` holds another search, and whatever training raises.
    """
    threads = max(1, (os.cpu_count() or 1) // jobs) if jobs > 1 else None
    job = _Job(search, tuple(train), dev, output, threads)
    make_folder(output / TRIALS)
    with _locked(output / LOCK_FILE):
        _check_search(job)
    spawn = multiprocessing.get_context("spawn")
    others = [spawn.Process(target=_help, args=(job,), daemon=True) for _ in range(jobs - 1)]
    for other in others:
        other.start()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    _work(job, show)
    for other in others:
        other.join()
    with _study(job) as study:
        trials = [_as_trial(trial) for trial in study.get_trials(deepcopy=False)]
    return write_trials(trials, search, output)


def _check_search(job: _Job) -> None:
    """Record what is searched on what; ConfigError where another search was begun here."""
    search = job.search.as_input()
    del search["trials"]  # there may be more later
    wanted = described({"search": search, "train": job.train, "dev": job.dev})
    path = job.output / SEARCH_FILE
    if not path.exists():
        write_text(path, json.dumps(wanted, ensure_ascii=False, indent=2) + "\n")
        return
    found = json.loads(path.read_text(encoding="utf-8"))
    changed = sorted(key for key in wanted if wanted[key] != found.get(key))
    if changed:
        raise ConfigError(
            f"{path}: expected the search that was begun here, found other inputs: "
            f"{', '.join(changed)}"
        )


def _help(job: _Job) -> None:
    """Work on the study in a process of its own; its trial is left to others if it fails."""
    quiet_libraries()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        _work(job, show_line)
    except KeyboardInterrupt:
        return


def _work(job: _Job, show: ShowLine) -> None:
    """Run trials until every trial of the search is finished, here or elsewhere."""
    if job.threads is not None:
        torch.set_num_threads(job.threads)
    documents = read_brat_folders(job.train)
    dev = read_brat(job.dev)
    with _study(job) as study:
        while True:
            with ExitStack() as stack:
                trial = _claim(study, job, stack)
                if trial is not None:
                    _run(trial, job, documents, dev, show)
                    continue
            if not study.get_trials(deepcopy=False, states=[TrialState.RUNNING]):
                return
            time.sleep(WAIT_SECONDS)


def _claim(study: optuna.Study, job: _Job, stack: ExitStack) -> optuna.Trial | None:
    """Return a trial that nobody works on, or a new one, locked on `stack`; None if all are taken.

    A new trial is drawn with a seed of its own, so that neither two processes nor a search that
    goes on draw the same again.
    """
    with _locked(job.output / LOCK_FILE), _sampling(study):
        trials = study.get_trials(deepcopy=False)
        for frozen in trials:
            if frozen.state != TrialState.RUNNING or not _try_lock(frozen.number, job, stack):
                continue
            if study.get_trials(deepcopy=False)[frozen.number].state == TrialState.RUNNING:
                study.sampler = _sampler(job.search, frozen.number)
                return _suggested(optuna.Trial(study, frozen._trial_id), job.search)
        if len(trials) >= job.search.trials:
            return None
        study.sampler = _sampler(job.search, len(trials))
        trial = study.ask()
        _try_lock(trial.number, job, stack)
        return _suggested(trial, job.search)


@contextmanager
def _sampling(study: optuna.Study) -> Iterator[None]:
    """Leave the study with a sampler that minds no end: GridSampler's would stop `optimize`."""
    try:
        yield
    finally:
        study.sampler = optuna.samplers.RandomSampler()


def _run(
    trial: optuna.Trial,
    job: _Job,
    documents: Sequence[Document],
    dev: Sequence[Document],
    show: ShowLine,
) -> None:
    folder = _folder(job, trial.number)
    name = f"trial {trial.number}"
    settings = ", ".join(f"{key} {value}" for key, value in trial.params.items())
    show(f"{name}: {'goes on' if (folder / METRICS_FILE).exists() else 'begins'}: {settings}")
    try:
        config = job.search.config(trial.params)
        summary = fit(config, documents, dev, folder, show=_reporter(trial))
    except optuna.TrialPruned:
        trial.set_user_attr("best_epoch", _best_epoch(folder))
        trial.study.tell(trial, state=TrialState.PRUNED)
        show(f"{name}: pruned")
    except torch.OutOfMemoryError:
        trial.study.tell(trial, state=TrialState.FAIL)
        show(f"{name}: failed: the device's memory does not suffice")
    else:
        figures = summary["dev"]["micro"]
        for key in ("precision", "recall"):
            trial.set_user_attr(key, figures[key])
        trial.set_user_attr("best_epoch", _best_epoch(folder))
        trial.set_user_attr("seconds", summary["seconds"])
        trial.study.tell(trial, figures["f1"])
        show(f"{name}: dev F1 {100 * figures['f1']:.2f}, {summary['seconds']:.0f} s")
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in _KEPT:
            path.unlink()


def _reporter(trial: optuna.Trial) -> Callable[[Epoch], None]:
    """Return what hands the pruner each epoch's dev F1, and stops a trial that it prunes."""
    reported = set(trial.study.get_trials(deepcopy=False)[trial.number].intermediate_values)
    parent = multiprocessing.parent_process()

    def report(epoch: Epoch) -> None:
        if parent is not None and not parent.is_alive():
            raise KeyboardInterrupt
        if epoch.f1 is not None and epoch.epoch not in reported:
            trial.report(epoch.f1, epoch.epoch)
        if trial.should_prune():
            raise optuna.TrialPruned

    return report


def _best_epoch(folder: Path) -> int:
    lines = (folder / METRICS_FILE).read_text(encoding="utf-8").splitlines()
    epochs = [json.loads(line) for line in lines]
    best: int = max(epochs, key=lambda epoch: float(epoch["f1"]))["epoch"]
    return best


def _suggested(trial: optuna.Trial, search: Search) -> optuna.Trial:
    """Give a trial its settings; one that has them already keeps them."""
    for key, part in search.space.items():
        if not isinstance(part, Range):
            trial.suggest_categorical(key, part)
        elif isinstance(part.low, int) and isinstance(part.high, int):
            trial.suggest_int(key, part.low, part.high, log=part.log)
        else:
            trial.suggest_float(key, part.low, part.high, log=part.log)
    return trial


def _sampler(search: Search, number: int) -> optuna.samplers.BaseSampler:
    if search.sampler == "grid":
        return optuna.samplers.GridSampler(_choices(search), seed=search.seed)
    if search.sampler == "random":
        return optuna.samplers.RandomSampler(seed=search.seed + number)
    return optuna.samplers.TPESampler(seed=search.seed + number)


def _choices(search: Search) -> dict[str, Sequence[Any]]:
    return {key: part for key, part in search.space.items() if not isinstance(part, Range)}


@contextmanager
def _study(job: _Job) -> Iterator[optuna.Study]:
    """Yield the study, made where there is none yet."""
    pruner = optuna.pruners.MedianPruner() if job.search.pruner == "median" else None
    with _locked(job.output / LOCK_FILE):
        storage = optuna.storages.RDBStorage(
            f"sqlite:///{job.output / STUDY_FILE}",
            engine_kwargs={"connect_args": {"timeout": 60}},
        )
        study = optuna.create_study(
            storage=storage,
            study_name="farmaner",
            direction="maximize",
            pruner=pruner or optuna.pruners.NopPruner(),
            load_if_exists=True,
        )
    try:
        yield study
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _as_trial(trial: optuna.trial.FrozenTrial) -> Trial:
    return Trial(
        number=trial.number,
        settings=dict(trial.params),
        state=trial.state.name.lower(),
        f1=trial.value,
        precision=trial.user_attrs.get("precision"),
        recall=trial.user_attrs.get("recall"),
        best_epoch=trial.user_attrs.get("best_epoch"),
        seconds=trial.user_attrs.get("seconds"),
    )


def _folder(job: _Job, number: int) -> Path:
    return job.output / TRIALS / str(number)


def _try_lock(number: int, job: _Job, stack: ExitStack) -> bool:
    """Hold a trial's lock until `stack` closes; False where another process holds it."""
    folder = _folder(job, number)
    make_folder(folder)
    file: TextIO = (folder / LOCK_FILE).open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    stack.enter_context(file)
    return True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
