"""What is refused before a job begins, and what makes it another job when it is resumed."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

from farmaner.errors import ConfigError, JobError
from farmaner.formats.opening import is_url, packed
from farmaner.formats.rows import Columns
from farmaner.jobs.annotator import AnnotatorSettings
from farmaner.jobs.inputs import STDIN, InputFile, Inputs, changed
from farmaner.jobs.names import brat_name
from farmaner.jobs.reading import check_table
from farmaner.jobs.writing import OutputSettings
from farmaner.recognizer import bundled_model


@dataclass(frozen=True, slots=True)
class JobSettings:
    """What is read, how it is annotated and what is written; an empty output is stdout."""

    inputs: Inputs
    columns: Columns
    annotator: AnnotatorSettings
    output: OutputSettings
    n_workers: int = 1
    threads: int | None = None

    @property
    def folder(self) -> Path:
        """Where the job keeps what it has done: beside a file, in a brat folder."""
        output = self.output.output.rstrip("/")
        if is_url(output):
            return Path(output.rsplit("/", 1)[-1] + ".job")
        return Path(output, ".farmaner-job") if self._is_brat else Path(f"{output}.job")

    @property
    def errors(self) -> str:
        """The file that names the documents that failed: beside a file, in a brat folder."""
        output = self.output.output.rstrip("/")
        return f"{output}/errors.jsonl" if self._is_brat else f"{output}.errors.jsonl"

    def files(self) -> Iterator[InputFile]:
        """Yield the files to read; what the job itself writes is none of them."""
        own = (self.output.output, self.errors, str(self.folder)) if self.output.output else ()
        passed_over = frozenset(os.path.realpath(name) for name in own)
        return dataclasses.replace(self.inputs, passed_over=passed_over).files()

    @property
    def _is_brat(self) -> bool:
        return self.output.format == "brat"

    def facts(self) -> dict[str, Any]:
        """Return what decides the output's bytes, under the names by which a refusal calls it."""
        columns, output = self.columns, self.output
        return annotator_facts(self.annotator) | {
            "INPUT": list(self.inputs.names),
            "--input-format": self.inputs.format,
            "--format": output.format,
            "--keys": output.keys,
            "--id-column": columns.id,
            "--text-column": columns.text,
            "--delimiter": columns.delimiter,
            "--max-chars": columns.max_chars,
        }


def annotator_facts(settings: AnnotatorSettings) -> dict[str, Any]:
    """Return what decides what is found, under the names by which a refusal calls it."""
    from importlib import metadata

    model = bundled_model() if settings.model is None else Path(settings.model)
    return {
        "version of farmaner": metadata.version("farmaner"),
        "--backend": settings.backend,
        "model": _hash_of_model(model),
        "--link": settings.link or settings.terminology is not None,
        "terminology": settings.terminology and _hash_of(Path(settings.terminology)),
    }


def refuse_other_job(job: JobSettings, begun: dict[str, Any], files: Iterable[InputFile]) -> None:
    """Raise JobError where a job is resumed with other options, another model or other inputs."""
    for name, value in job.facts().items():
        if begun.get(name) != value:
            raise JobError(
                f"{job.folder}: expected the {name} that the job began with, found another; "
                "resume with the same, or remove that folder to start anew"
            )
    for file in files:
        if changed(file):
            raise JobError(
                f"{file.name}: expected the file that the job began with, found it changed or "
                f"gone; remove {job.folder} to start anew"
            )


def refuse_misuse(job: JobSettings, files: Iterable[InputFile]) -> None:
    """Raise where the output cannot hold the input, or would be written over what is there."""
    output = job.output.output
    packed(b"", output)  # says if what packs it is missing
    if job.output.format == "parquet":
        from farmaner.formats.parquet import import_pyarrow

        import_pyarrow()
    named = set(job.inputs.names)
    seen: set[str] = set()
    is_folder = output and not is_url(output) and Path(output).is_dir()
    if is_folder and job.output.format != "brat":
        raise ConfigError(f"{output}: expected a file to write, found a folder")
    for file in files:
        if file.name in named:
            _refuse_input_as_output(file, output)
            check_table(file, job.columns)
        if job.output.format == "brat" and file.format == "txt":
            if len(named) > 1:
                _refuse_equal_ids(file, seen)
            if is_folder:
                _refuse_own_annotations(file, Path(output))


def _refuse_input_as_output(file: InputFile, output: str) -> None:
    same = file.name == output
    if output and Path(output).exists() and Path(file.name).exists():
        same = same or Path(file.name).samefile(output)
    if same:
        raise ConfigError(f"{output}: expected an output other than an input, found one")


def _refuse_equal_ids(file: InputFile, seen: set[str]) -> None:
    if file.id in seen:
        raise ConfigError(
            f"{file.id if file.name == STDIN else file.name}: expected a document id of its own, "
            f"found {file.id!r} a second time"
        )
    seen.add(file.id)


def _refuse_own_annotations(file: InputFile, output: Path) -> None:
    """Gold that lies beside the texts is never written over."""
    ann = output / f"{brat_name(file.id)}.ann"
    if not ann.exists() or file.name == STDIN or is_url(file.name):
        return
    if Path(file.name).parent.resolve() == ann.parent.resolve():
        raise ConfigError(
            f"{output}: expected an output folder other than the input's, whose annotations "
            f"would be lost, found {file.id}.ann in it"
        )


def _hash_of_model(folder: Path) -> str:
    """Return a hash of the files of a model folder, those of its subfolder `onnx` included."""
    hash_ = blake2b(digest_size=16)
    for path in sorted([*folder.glob("*"), *folder.glob("onnx/*")]):
        if path.is_file():
            hash_.update(f"{path.relative_to(folder)} {_hash_of(path)}\n".encode())
    return hash_.hexdigest()


def _hash_of(path: Path) -> str:
    hash_ = blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            while part := file.read(1 << 20):
                hash_.update(part)
    except OSError:
        return ""  # loading it will say why
    return hash_.hexdigest()
