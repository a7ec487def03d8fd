"""A job's steps: each done once, again when its inputs change, and on from where it was killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from farmaner.errors import ConfigError, CorpusError
from farmaner.training.steps import Step, Steps, open_steps


@dataclass(frozen=True)
class Settings:
    epochs: int
    labels: tuple[str, ...] = ("A", "B")


class Job:
    """Two steps, the second of which counts the first among its inputs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.worked: list[str] = []
        self.lines: list[str] = []

    def run(self, **inputs: object) -> tuple[Step, Step]:
        self.worked, self.lines = [], []
        with open_steps(self.folder, show=self.lines.append) as steps:
            first = steps.run("fit/one", inputs, self.write("fit", inputs))
            second = steps.run("score", {"fit": first}, self.write("score", {}))
        return first, second

    def write(self, name: str, inputs: dict[str, object]) -> Callable[[Path], None]:
        def work(folder: Path) -> None:
            self.worked.append(name)
            text = first.read_text() if (first := self.folder / "fit/one/made").exists() else ""
            (folder / "made").write_text(text + repr(sorted(inputs.items())))

        return work


def untimed(lines: list[str]) -> list[str]:
    return [re.sub(r"done in \d+ s", "done", line) for line in lines]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path / "job")


def test_a_second_run_does_nothing(job: Job) -> None:
    first = job.run(settings=Settings(3), seed=1)
    assert job.worked == ["fit", "score"]
    assert untimed(job.lines) == [
        "fit/one: begins",
        "fit/one: done",
        "score: begins",
        "score: done",
    ]
    assert job.run(settings=Settings(3), seed=1) == first
    assert job.worked == []
    assert job.lines == ["fit/one: already done", "score: already done"]


def test_a_changed_input_does_the_step_and_what_follows_anew(job: Job) -> None:
    job.run(settings=Settings(3), seed=1)
    job.run(settings=Settings(4), seed=1)
    assert job.worked == ["fit", "score"]
    kept = [path.name for path in (job.folder / "fit").iterdir() if path.name != "one"]
    assert job.lines[0] == f"fit/one: inputs changed (settings); kept as {kept[0]}"
    assert job.lines[2].startswith("fit/one: done in")
    assert job.lines[3].startswith("score: inputs changed (fit); kept as score.")


def test_inputs_that_come_back_find_their_result_again(job: Job) -> None:
    began = job.run(settings=Settings(3), seed=1)
    job.run(settings=Settings(4), seed=1)
    assert job.run(settings=Settings(3), seed=1) == began
    assert job.worked == []


def test_a_step_done_anew_with_the_same_result_leaves_what_follows(job: Job) -> None:
    job.run(seed=1)
    (job.folder / "fit/one").rename(job.folder / "elsewhere")
    job.run(seed=1)
    assert job.worked == ["fit"]


def test_a_path_counts_by_content_and_not_by_place_or_time(job: Job, tmp_path: Path) -> None:
    corpus, copy = tmp_path / "corpus", tmp_path / "copy"
    for folder in (corpus, copy):
        (folder / "in").mkdir(parents=True)
        (folder / "in" / "a.txt").write_text("Niega alergia a penicilina.")
        (folder / ".hidden").write_text(folder.name)
    job.run(train=[corpus], config=corpus / "in/a.txt")
    job.run(train=[copy], config=copy / "in/a.txt")
    assert job.worked == []
    (copy / "in" / "a.txt").write_text("Niega alergia a penicilinas.")
    job.run(train=[copy], config=corpus / "in/a.txt")
    assert job.worked == ["fit", "score"]
    assert job.lines[0].startswith("fit/one: inputs changed (train); kept as")
    (copy / "in" / "a.txt").rename(copy / "in" / "b.txt")
    job.run(train=[copy], config=corpus / "in/a.txt")
    assert job.worked == ["fit"]


def test_a_path_that_is_not_there_is_one_line(job: Job, tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as error:
        job.run(train=tmp_path / "none")
    assert str(error.value) == f"{tmp_path / 'none'}: expected a file or a folder, found neither"


def test_a_step_that_failed_is_done_again(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    def finish(folder: Path) -> None:
        left.append((folder / "half").exists())
        (folder / "whole").touch()

    left: list[bool] = []
    lines: list[str] = []
    for resumable in (True, False):
        name = f"resumable-{resumable}"
        with open_steps(tmp_path, show=lines.append) as steps:
            with pytest.raises(KeyboardInterrupt):
                steps.run(name, {}, fail, resumable=resumable)
            steps.run(name, {}, finish, resumable=resumable)
    assert left == [True, False]
    assert [line for line in lines if "done" not in line] == [
        "resumable-True: begins",
        "resumable-True: goes on",
        "resumable-False: begins",
        "resumable-False: begins",
    ]
    files = sorted(path.name for path in (tmp_path / "resumable-False").iterdir())
    assert files == ["step.json", "whole"]


def test_a_job_killed_inside_a_step_goes_on_there(tmp_path: Path) -> None:
    code = """
        import sys, time
        from pathlib import Path
        from farmaner.training.steps import open_steps

        def count(folder):
            counted = folder / "counted"
            for number in range(len(counted.read_text()) if counted.exists() else 0, 10):
                with counted.open("a") as file:
                    file.write(str(number))
                time.sleep(0.2 if number < 3 and sys.argv[2] == "slow" else 0)

        with open_steps(Path(sys.argv[1])) as steps:
            steps.run("one", {"n": 1}, lambda folder: (folder / "made").write_text("1"))
            steps.run("two", {"n": 2}, count, resumable=True)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    running = subprocess.Popen([*command, "slow"], stderr=subprocess.DEVNULL)
    counted = tmp_path / "two" / "counted"
    deadline = time.monotonic() + 60
    while not counted.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    assert json.loads((tmp_path / "two/step.json").read_text())["result"] is None
    environment = os.environ | {"PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [*command, "fast"], capture_output=True, text=True, check=True, env=environment
    )
    assert untimed(done.stderr.splitlines()) == [
        "one: already done",
        "two: goes on",
        "two: done",
    ]
    assert counted.read_text() == "0123456789"


def test_two_runs_at_once_in_one_folder_are_refused(tmp_path: Path) -> None:
    with open_steps(tmp_path), pytest.raises(ConfigError) as error, open_steps(tmp_path):
        pass
    assert str(error.value) == (
        f"{tmp_path}: expected a folder that no other run is at work in, found one that is"
    )


def test_files_that_no_step_made_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "precious").write_text("mine")
    with open_steps(tmp_path) as steps, pytest.raises(ConfigError) as error:
        steps.run("mine", {}, lambda folder: None)
    assert str(error.value) == (
        f"{tmp_path / 'mine'}: expected the folder of a step, found files without step.json"
    )
    assert (tmp_path / "mine" / "precious").read_text() == "mine"


def test_what_cannot_be_an_input_is_a_mistake_of_the_program(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="set is no input of a step"):
        Steps(tmp_path, print).run("a", {"labels": {"A"}}, lambda folder: None)
