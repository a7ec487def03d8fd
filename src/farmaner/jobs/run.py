"""A job from its inputs to its output, or from where it was interrupted."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from farmaner.document import Document
from farmaner.errors import JobError
from farmaner.formats.files import make_folder
from farmaner.formats.opening import is_url
from farmaner.jobs.checks import JobSettings, refuse_misuse, refuse_other_job
from farmaner.jobs.disk import sync_file, sync_folder, unwritable, write_durably
from farmaner.jobs.inputs import InputFile, Listing
from farmaner.jobs.manifest import Done, JobFolder, hash_of
from farmaner.jobs.names import brat_name
from farmaner.jobs.reading import Failure, Item, read_items
from farmaner.jobs.shards import Shard, cut
from farmaner.jobs.workers import Answer, Pool, Work, open_pool
from farmaner.jobs.writing import failure_line, shard_writer, write_conf, write_remote


@dataclass(frozen=True, slots=True)
class Progress:
    """What has been done; bytes are those of the input, of `total_bytes` where that is known."""

    n_documents: int = 0
    n_failed: int = 0
    n_entities: int = 0
    n_characters: int = 0
    n_bytes: int = 0
    total_bytes: int | None = None

    def plus(self, done: Done) -> Progress:
        """Return the progress with one more shard."""
        return replace(
            self,
            n_documents=self.n_documents + done.n_documents,
            n_failed=self.n_failed + len(done.failures),
            n_entities=self.n_entities + done.n_entities,
            n_characters=self.n_characters + done.n_characters,
            n_bytes=self.n_bytes + done.n_bytes,
        )


class Watch:
    """What a job tells while it runs; this one listens to nothing."""

    def begin(self, progress: Progress) -> None:
        """Hear where the job begins, or goes on."""

    def fail(self, failure: Failure) -> None:
        """Hear of a document that failed in this run."""

    def advance(self, progress: Progress) -> None:
        """Hear that a shard is done."""


def stream(job: JobSettings, file: BinaryIO, watch: Watch) -> Progress:
    """Annotate to an open file, shard by shard; nothing is kept that could be resumed."""
    with Listing(job.files()) as files:
        refuse_misuse(job, files)
        progress = Progress(total_bytes=files.n_bytes)
        with _pool(job) as pool:
            watch.begin(progress)
            _print(file, shard_writer(job.output, job.folder).head)
            for shard, answer in _answers(cut(_items(job, files)), pool):
                _print(file, answer.data)
                progress = progress.plus(_done(shard, answer, 0))
                _tell(watch, shard, answer, progress)
    return progress


def run(job: JobSettings, watch: Watch, *, resume: bool) -> Progress:
    """Run a job to its end, or go on with it; the output is whole, or not there.

    Raises JobError for an unfinished job that is not to be resumed, or is not this one.
    """
    folder = JobFolder(job.folder)
    try:
        if folder.exists():
            folder.lock()
        if not (folder.exists() and folder.has_begun()):
            return _begun(job, folder, watch)
        if resume:
            return _resumed(job, folder, watch)
    finally:
        folder.close()
    raise JobError(
        f"{folder.path}: expected no unfinished job, found one; go on with --resume, or remove "
        "that folder to start anew"
    )


def _begun(job: JobSettings, folder: JobFolder, watch: Watch) -> Progress:
    with Listing(job.files()) as files:
        refuse_misuse(job, files)
        with _pool(job) as pool:
            if job.output.format == "brat" and not is_url(job.output.output):
                make_folder(Path(job.output.output))
            folder.begin(job.facts(), files, shard_writer(job.output, folder.path).head)
            folder.lock()
            return _go_on(job, folder, watch, pool)


def _resumed(job: JobSettings, folder: JobFolder, watch: Watch) -> Progress:
    if folder.is_ended():
        refuse_other_job(job, folder.facts(), [])
        return _finish(job, folder)
    refuse_other_job(job, folder.facts(), folder.files())
    with _pool(job) as pool:
        return _go_on(job, folder, watch, pool)


def _go_on(job: JobSettings, folder: JobFolder, watch: Watch, pool: Pool) -> Progress:
    """Annotate what is not done yet; what is done is read again, to see that it is the same."""
    with Listing(folder.files()) as files:
        items = _items(job, files)
        progress = Progress(total_bytes=files.n_bytes)
        n_done = folder.n_whole()
        for done in islice(folder.done(), n_done):
            again = Shard(done.shard, tuple(islice(items, done.n_items)))
            if len(again.items) < done.n_items or again.digest(done.failures) != done.input_hash:
                raise JobError(
                    f"{folder.path}: expected the input that the job began with, found other "
                    "documents; remove that folder to start anew"
                )
            progress = progress.plus(done)
        end = folder.keep(n_done)
        watch.begin(progress)
        with folder.data.open("r+b") as data:
            data.seek(end)
            for shard, answer in _answers(cut(items, first_number=n_done), pool):
                end += len(answer.data)
                _append(data, answer.data, folder.data)
                done = _done(shard, answer, end)
                folder.append(done)
                progress = progress.plus(done)
                _tell(watch, shard, answer, progress)
        if job.output.format == "brat":
            write_conf(job.output, pool.labels)
        folder.append({"labels": pool.labels})
        return _finish(job, folder)


def _finish(job: JobSettings, folder: JobFolder) -> Progress:
    """Put the output in its place; again, if it was interrupted, to the same end."""
    progress = Progress()
    for done in folder.done():
        progress = progress.plus(done)
    _write_errors(job, folder, progress.n_failed)
    if job.output.format != "brat" and folder.data.exists():  # else it is there already
        _put(_whole(job, folder), job.output.output)
    folder.remove()
    return progress


def _whole(job: JobSettings, folder: JobFolder) -> Path:
    """Return the file that is the output, of which the data is the content."""
    if job.output.format != "parquet":
        return folder.data
    from farmaner.formats.parquet import write_packed_rows

    path = folder.path / "output.part"
    try:
        write_packed_rows(folder.shares(), path)
        sync_file(path)
    except OSError as error:
        raise unwritable(path, error) from None
    return path


def _put(file: Path, output: str) -> None:
    """Move a finished file to where the output belongs."""
    if is_url(output):
        with file.open("rb") as data:
            write_remote(output, iter(lambda: data.read(1 << 20), b""))
        return
    try:
        file.replace(output)
        sync_folder(Path(output).parent)
    except OSError as error:
        raise unwritable(output, error) from None


def _write_errors(job: JobSettings, folder: JobFolder, n_failed: int) -> None:
    lines = (
        failure_line(*failure)
        for done in folder.done()
        for _, failure in sorted(done.failures.items())
    )
    if not is_url(job.errors):
        if n_failed:
            write_durably(Path(job.errors), lines, temporary=folder.path / "errors.part")
        else:
            Path(job.errors).unlink(missing_ok=True)  # of a job that ran before
    elif n_failed:
        write_remote(job.errors, lines)


def _print(file: BinaryIO, share: bytes) -> None:
    try:
        file.write(share)
        file.flush()
    except BrokenPipeError:  # no one reads any more: for the command line to end quietly
        raise
    except OSError as error:
        raise unwritable("stdout", error) from None


def _append(data: BinaryIO, share: bytes, path: Path) -> None:
    try:
        data.write(share)
        data.flush()
        os.fsync(data.fileno())
    except OSError as error:
        raise unwritable(path, error) from None


@contextlib.contextmanager
def _pool(job: JobSettings) -> Iterator[Pool]:
    work = Work(job.annotator, job.output, str(job.folder))
    pool = open_pool(work, n_workers=job.n_workers, threads=job.threads)
    try:
        yield pool
    finally:
        pool.close()


def _items(job: JobSettings, files: Iterable[InputFile]) -> Iterator[Item]:
    """Yield the items of files; in brat only the first document of a name can be written."""
    items = read_items(files, job.columns)
    if job.output.format != "brat":
        yield from items
        return
    seen: set[bytes] = set()
    for item in items:
        if isinstance(item.found, Document):
            name = brat_name(item.found.id)
            digest = blake2b(name.encode("utf-8"), digest_size=8).digest()
            if digest in seen:
                reason = "expected a document id of its own, found it a second time"
                item = replace(item, found=Failure(item.found.id, item.place, reason))
            seen.add(digest)
        yield item


def _answers(shards: Iterator[Shard], pool: Pool) -> Iterator[tuple[Shard, Answer]]:
    """Yield shards with their answers in order, reading ahead no further than the pool takes."""
    waiting: deque[Shard] = deque()
    answers: dict[int, Answer] = {}
    while True:
        for shard in islice(shards, pool.capacity - len(waiting)):
            pool.submit(shard)
            waiting.append(shard)
        if not waiting:
            return
        while waiting[0].number not in answers:
            answer = pool.receive()
            answers[answer.number] = answer
        shard = waiting.popleft()
        yield shard, answers.pop(shard.number)


def _failures(shard: Shard, answer: Answer) -> dict[int, Failure]:
    failures = shard.failures
    for index, reason in answer.failures.items():
        item = shard.items[index]
        id_ = item.found.id
        failures[index] = Failure(id_, item.place, reason)
    return dict(sorted(failures.items()))


def _done(shard: Shard, answer: Answer, end: int) -> Done:
    failures = _failures(shard, answer)
    return Done(
        shard=shard.number,
        n_items=len(shard.items),
        input_hash=shard.digest(failures),
        end=end,
        output_hash=hash_of(answer.data),
        n_documents=len(shard.items) - len(failures),
        n_characters=shard.n_characters,
        n_entities=answer.n_entities,
        n_bytes=shard.n_bytes,
        failures={index: (f.id, f.place, f.reason) for index, f in failures.items()},
    )


def _tell(watch: Watch, shard: Shard, answer: Answer, progress: Progress) -> None:
    for failure in _failures(shard, answer).values():
        watch.fail(failure)
    watch.advance(progress)
