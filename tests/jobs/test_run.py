"""Jobs in process, on the fake recognizer: what goes in, what comes out, what fails."""

from __future__ import annotations

import bz2
import csv
import errno
import gzip
import json
import lzma
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.jobs.conftest import FAKE, NOTES, content, finish

import farmaner.recognizer
from farmaner.cli import run
from farmaner.jobs import shards
from farmaner.testing import fake_recognizer

Captured = pytest.CaptureFixture[str]
TEXTS = {f"nota{number:02}": f"{number}. {text}" for number, text in enumerate(NOTES * 3)}
NEVER_SHOWN = "Confidencial"


@pytest.fixture(autouse=True)
def model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(farmaner.recognizer, "load", lambda *_, **__: fake_recognizer())
    monkeypatch.setattr(shards, "MAX_SHARD_DOCUMENTS", 4)


def as_folder(path: Path) -> list[str]:
    path.mkdir()
    for id_, text in TEXTS.items():
        (path / f"{id_}.txt").write_bytes(text.encode())
    return [str(path)]


def lines() -> bytes:
    rows = ({"id": id_, "text": text, "otro": 1} for id_, text in TEXTS.items())
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()


def as_jsonl(path: Path) -> list[str]:
    file = path.with_suffix(".jsonl")
    file.write_bytes(lines())
    return [str(file)]


def as_jsonl_gz(path: Path) -> list[str]:
    file = path.with_suffix(".jsonl.gz")
    half = lines().index(b"\n", len(lines()) // 2) + 1
    file.write_bytes(gzip.compress(lines()[:half]) + gzip.compress(lines()[half:]))
    return [str(file)]


def as_jsonl_xz(path: Path) -> list[str]:
    file = path.with_suffix(".jsonl.xz")
    file.write_bytes(lzma.compress(lines()))
    return [str(file)]


def as_jsonl_bz2(path: Path) -> list[str]:
    file = path.with_suffix(".jsonl.bz2")
    half = len(lines()) // 2
    file.write_bytes(bz2.compress(lines()[:half]) + bz2.compress(lines()[half:]))
    return [str(file)]


def as_jsonl_zst(path: Path) -> list[str]:
    zstandard = pytest.importorskip("zstandard", reason="needs the extra zstd")
    file = path.with_suffix(".jsonl.zst")
    half = len(lines()) // 2
    pack = zstandard.ZstdCompressor().compress
    file.write_bytes(pack(lines()[:half]) + pack(lines()[half:]))
    return [str(file)]


def as_csv(path: Path) -> list[str]:
    file = path.with_suffix(".csv")
    with file.open("w", encoding="utf-8-sig", newline="") as rows:
        writer = csv.writer(rows, delimiter=";")
        writer.writerow(["servicio", "nota", "nhc"])
        writer.writerows(["UCI", text, id_] for id_, text in TEXTS.items())
    return [str(file), "--id-column", "nhc", "--text-column", "nota", "--delimiter", ";"]


def as_parquet(path: Path) -> list[str]:
    pa = pytest.importorskip("pyarrow", reason="needs the extra tables")
    import pyarrow.parquet as pq

    (folder := path.with_suffix(".parquet")).mkdir()
    ids, texts = list(TEXTS), list(TEXTS.values())
    for part, place in enumerate((slice(0, 6), slice(6, None))):
        columns = {"nhc": ids[place], "otro": [1] * len(ids[place]), "nota": texts[place]}
        pq.write_table(pa.table(columns), folder / f"part-{part}.snappy.parquet", row_group_size=4)
    (folder / "_SUCCESS").touch()
    return [str(folder), "--id-column", "nhc", "--text-column", "nota"]


def as_url(path: Path) -> list[str]:
    fsspec = pytest.importorskip("fsspec", reason="needs the extra remote")
    memory = fsspec.filesystem("memory")
    for id_, text in TEXTS.items():
        memory.pipe_file(f"/{path.name}/{id_}.txt", text.encode())
    return [f"memory://{path.name}"]


@pytest.mark.parametrize(
    "given",
    [as_jsonl, as_jsonl_gz, as_jsonl_xz, as_jsonl_bz2, as_jsonl_zst, as_csv, as_parquet, as_url],
)
def test_the_same_documents_give_the_same_bytes_from_whatever_they_lie_in(
    given: Callable[[Path], list[str]], tmp_path: Path, capsys: Captured
) -> None:
    assert run(["annotate", *as_folder(tmp_path / "textos"), "-o", f"{tmp_path}/a.jsonl"]) == 0
    assert run(["annotate", *given(tmp_path / "entrada"), "-o", f"{tmp_path}/b.jsonl"]) == 0

    assert capsys.readouterr() == ("", "")
    wanted = (tmp_path / "a.jsonl").read_bytes()
    assert [json.loads(line)["id"] for line in wanted.splitlines()] == list(TEXTS)
    assert (tmp_path / "b.jsonl").read_bytes() == wanted


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.csv", "a.parquet", "a/"])
def test_two_workers_give_the_bytes_of_one(name: str, tmp_path: Path) -> None:
    if name == "a.parquet":
        pytest.importorskip("pyarrow", reason="needs the extra tables")
    inputs = as_folder(tmp_path / "textos")
    for workers in (1, 2):
        (tmp_path / f"{workers}").mkdir()
        output = f"{tmp_path}/{workers}/{name}"
        assert finish(*inputs, "-o", output, "--workers", workers) == (0, "", "")

    assert content(tmp_path / "2") == content(tmp_path / "1") != {}


def test_csv_has_a_row_for_every_entity_and_one_for_a_document_without(
    tmp_path: Path, capsys: Captured
) -> None:
    (tmp_path / "a.txt").write_text("PCR y ácido fólico", encoding="utf-8")
    (tmp_path / "b,1.txt").write_text("", encoding="utf-8")

    assert run(["annotate", str(tmp_path), "--format", "csv"]) == 0
    assert capsys.readouterr().out == (
        "id,label,start,end,text,score,code,code_score\n"
        "a,PROTEINAS,0,3,PCR,0.9853,,\n"
        "a,NORMALIZABLES,6,18,ácido fólico,0.9853,,\n"
        '"b,1",,,,,,,\n'
    )


def test_parquet_has_typed_entities_a_row_for_every_document(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="needs the extra tables")
    (tmp_path / "a.txt").write_text("PCR", encoding="utf-8")
    (tmp_path / "b.txt").write_text("", encoding="utf-8")

    assert run(["annotate", str(tmp_path), "-o", str(tmp_path / "a.parquet")]) == 0
    entity = {"label": "PROTEINAS", "start": 0, "end": 3, "text": "PCR", "score": 0.9853}
    assert pq.read_table(tmp_path / "a.parquet").to_pylist() == [
        {"id": "a", "text": "PCR", "entities": [entity | {"code": None, "code_score": None}]},
        {"id": "b", "text": "", "entities": []},
    ]


def test_json_lines_come_from_stdin_where_their_format_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    import io

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"id": 7, "text": "PCR"}\n')))

    assert run(["annotate", "-", "--input-format", "jsonl", "-f", "csv"]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "7,PROTEINAS,0,3,PCR,0.9853,,"


def test_output_goes_to_where_fsspec_writes_and_says_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsspec = pytest.importorskip("fsspec", reason="needs the extra remote")
    monkeypatch.chdir(tmp_path)
    inputs = as_folder(tmp_path / "textos")
    (tmp_path / "textos" / "mala.txt").write_bytes(b"\xff")

    for name in ("a.jsonl", "brat/"):
        assert run(["annotate", *inputs, "-o", f"{tmp_path}/{name}"]) == 1
        assert run(["annotate", *inputs, "-o", f"memory://salida/{name}"]) == 1

    memory = fsspec.filesystem("memory")
    remote = {path.removeprefix("/salida/"): memory.cat(path) for path in memory.find("/salida")}
    local = content(tmp_path)
    assert remote == {name: data for name, data in local.items() if not name.startswith("textos")}
    assert {"a.jsonl", "a.jsonl.errors.jsonl", "brat/errors.jsonl", "brat/nota00.ann"} <= set(
        remote
    )


def failures(file: Path) -> list[tuple[str | None, str, str]]:
    rows = map(json.loads, file.read_text(encoding="utf-8").splitlines())
    return [(row["id"], Path(row["place"]).name, row["reason"]) for row in rows]


def done(file: Path) -> list[str]:
    return [json.loads(line)["id"] for line in file.read_text(encoding="utf-8").splitlines()]


def test_lines_that_fail_are_recorded_with_their_place_and_the_others_are_annotated(
    tmp_path: Path, capsys: Captured
) -> None:
    source, output = tmp_path / "n.jsonl", tmp_path / "s.jsonl"
    source.write_bytes(
        b'\xef\xbb\xbf{"id": "a", "text": "PCR"}\n\n{"id": "b"}\n{"id": "", "text": "x"}\n'
        b'{"id": true, "text": "x"}\n["Confidencial"]\n{"Confidencial\n'
        b'{"id": "c", "text": "Confidencial \xff"}\n{"id": "d", "text": "Confidencial \\ud83d"}\n'
        b'{"id": "e", "text": "Confidencial, muy largo"}\n{"id": "f\\ud83d", "text": "x"}\n'
        b'{"id": 12, "text": "PCR"}'
    )

    assert run(["annotate", str(source), "-o", str(output), "--max-chars", "20"]) == 1
    assert done(output) == ["a", "12"]
    assert failures(tmp_path / "s.jsonl.errors.jsonl") == [
        ("b", "n.jsonl:3", 'expected a text under "text", found nothing'),
        (None, "n.jsonl:4", 'expected an id under "id", found an empty one'),
        (None, "n.jsonl:5", 'expected an id under "id", found truth value'),
        (None, "n.jsonl:6", "expected a JSON object, found list"),
        (None, "n.jsonl:7", "expected a JSON object, found something else"),
        (None, "n.jsonl:8", "expected UTF-8 text, found byte 0xFF at byte offset 34"),
        ("d", "n.jsonl:9", "expected text that UTF-8 can hold, found a lone surrogate at "
         "character 13"),
        ("e", "n.jsonl:10", "expected a text of at most 20 characters, found 23"),
        (None, "n.jsonl:11", "expected an id that UTF-8 can hold, found a lone surrogate at "
         "character 1"),
    ]  # fmt: skip
    out, err = capsys.readouterr()
    assert (out, len(err.splitlines())) == ("", 10)
    assert err.endswith(f"farmaner: 9 of 11 documents failed, named in {output}.errors.jsonl\n")
    assert NEVER_SHOWN not in err + (tmp_path / "s.jsonl.errors.jsonl").read_text(encoding="utf-8")


def test_rows_of_csv_that_fail_are_recorded_with_their_line(tmp_path: Path) -> None:
    source, output = tmp_path / "n.csv", tmp_path / "s.jsonl"
    source.write_bytes(
        b'id,text\r\na,"dos\nlineas: PCR"\r\nb\r\nc,x,y\r\nd,Confidencial \xff\r\n'
        b'e,"con "comillas" dentro"\r\n,sin id\r\nf,"PCR"\r\ng,"sin cerrar'
    )

    assert run(["annotate", str(source), "-o", str(output)]) == 1
    assert done(output) == ["a", "f"]
    assert failures(tmp_path / "s.jsonl.errors.jsonl") == [
        (None, "n.csv:4", "expected 2 columns, found 1"),
        (None, "n.csv:5", "expected 2 columns, found 3"),
        ("d", "n.csv:6", "expected UTF-8 text, found byte 0xFF"),
        (None, "n.csv:7", "expected a row of CSV, found ',' expected after '\"'"),
        (None, "n.csv:8", 'expected an id under "id", found an empty one'),
        (None, "n.csv:10", "expected an end to what is quoted, found the end of the file"),
    ]


def test_rows_of_parquet_that_fail_are_recorded_with_their_number(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="needs the extra tables")
    import pyarrow.parquet as pq

    source, output = tmp_path / "n.parquet", tmp_path / "s.jsonl"
    texts = pa.array([b"PCR", None, b"Confidencial \xff", b"PCR"], pa.binary())
    pq.write_table(pa.table({"id": pa.array([1, 2, 3, None]), "text": texts}), source)

    assert run(["annotate", str(source), "-o", str(output)]) == 1
    assert done(output) == ["1"]
    assert failures(tmp_path / "s.jsonl.errors.jsonl") == [
        ("2", "n.parquet:2", 'expected a text under "text", found nothing'),
        ("3", "n.parquet:3", "expected UTF-8 text, found byte 0xFF at byte offset 13"),
        (None, "n.parquet:4", 'expected an id under "id", found nothing'),
    ]


@pytest.mark.parametrize("suffix", [".gz", ".xz", ".bz2", ".zst"])
def test_a_packed_file_that_breaks_off_is_a_failure_after_what_could_be_read(
    suffix: str, tmp_path: Path
) -> None:
    if suffix == ".zst":
        pytest.importorskip("zstandard", reason="needs the extra zstd")
    from farmaner.formats.opening import packed

    source, output = tmp_path / f"n.jsonl{suffix}", tmp_path / "s.jsonl"
    first, second = (packed(b'{"id": %d, "text": "PCR"}\n' % n, source.name) for n in (1, 2))
    source.write_bytes(first + second[:-6])
    (tmp_path / "otra.jsonl").write_bytes(b'{"id": 3, "text": ""}')

    assert run(["annotate", str(source), f"{tmp_path}/otra.jsonl", "-o", str(output)]) == 1
    assert done(output)[0] == "1"
    assert done(output)[-1] == "3"
    ((id_, place, reason),) = failures(tmp_path / "s.jsonl.errors.jsonl")
    assert (id_, place) == (None, source.name)
    assert reason.startswith("expected a file to its end, found a broken stream after ")


def test_a_text_that_is_too_long_is_not_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ñ" * 11, encoding="utf-8")
    (tmp_path / "b.txt").write_text("PCR" * 100, encoding="utf-8")
    (tmp_path / "c.txt").write_text("ñ" * 10, encoding="utf-8")

    output = tmp_path / "s.jsonl"
    assert run(["annotate", str(tmp_path), "-o", str(output), "--max-chars", "10"]) == 1
    assert done(output) == ["c"]
    assert failures(tmp_path / "s.jsonl.errors.jsonl") == [
        ("a", "a.txt", "expected a text of at most 10 characters, found 11"),
        ("b", "b.txt", "expected a text of at most 10 characters, found a longer one"),
    ]


def test_only_the_first_failures_are_named_on_stderr_and_all_are_counted(
    tmp_path: Path, capsys: Captured
) -> None:
    source = tmp_path / "n.jsonl"
    source.write_bytes(b"{}\n" * 30)

    assert run(["annotate", str(source), "-o", str(tmp_path / "s.jsonl")]) == 1
    *named, more, count = capsys.readouterr().err.splitlines()
    assert len(named) == 20
    assert more == "farmaner: more documents failed; they are counted at the end"
    assert count.startswith("farmaner: 30 of 30 documents failed, named in ")
    assert len(failures(tmp_path / "s.jsonl.errors.jsonl")) == 30


def test_brat_gives_unusual_ids_names_by_a_rule_and_writes_no_name_twice(tmp_path: Path) -> None:
    source, output = tmp_path / "n.jsonl", tmp_path / "brat"
    ids = ["2024/0417", "a", "a", "../b", ".c", "d%20", "d%2x", "e\n", "f.txt/g", "h//i", "ñ" * 200]
    rows = "".join(json.dumps({"id": id_, "text": "PCR"}) + "\n" for id_ in ids)
    source.write_text(rows, encoding="utf-8")

    assert run(["annotate", str(source), "-f", "brat", "-o", str(output)]) == 1
    names = {name.removesuffix(".ann") for name in content(output) if name.endswith(".ann")}
    (long,) = (name for name in names if name.startswith("ñ"))
    assert names - {long} == {
        "2024/0417", "a", "%2E./b", "%2Ec", "d%2520", "d%2x", "e%0A", "f%2Etxt/g", "h/%/i"
    }  # fmt: skip
    assert long[:92] == "ñ" * 91 + "~"
    assert len(long) == 91 + 17
    assert failures(output / "errors.jsonl") == [
        ("a", "n.jsonl:3", "expected a document id of its own, found it a second time")
    ]


def test_an_output_folder_and_its_files_are_no_input_wherever_they_lie(tmp_path: Path) -> None:
    inputs = as_folder(tmp_path / "textos")
    for _ in range(2):
        assert run(["annotate", *inputs, "-o", f"{inputs[0]}/anotado/"]) == 0

    assert not (tmp_path / "textos" / "anotado" / "anotado").exists()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "no/hay/a.jsonl",
            "no/hay/a.jsonl.job: expected a folder to write in, found: No such file",
        ),
        ("textos", "textos: expected a file to write, found a folder"),
        ("textos/nota00.txt", "nota00.txt: expected an output other than an input, found one"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_anything_is_annotated(
    name: str, said: str, tmp_path: Path, capsys: Captured
) -> None:
    inputs = as_folder(tmp_path / "textos")
    before = content(tmp_path)

    assert run(["annotate", *inputs, f"{inputs[0]}/nota00.txt", "-o", f"{tmp_path}/{name}"]) == 1
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert said in err
    assert content(tmp_path) == before


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("n.csv", b"nhc,no\n1,PCR\n", "n.csv:1: expected a column 'id', found the columns nhc, no"),
        ("n.csv", b"", "n.csv:1: expected a column 'id', found nothing"),
        ("n.parquet", b"", "n.parquet: expected a Parquet file, found one that is broken or none"),
    ],
)  # fmt: skip
def test_a_table_that_is_none_is_refused_before_anything_is_annotated(
    name: str, data: bytes, said: str, tmp_path: Path, capsys: Captured
) -> None:
    if name == "n.parquet":
        pytest.importorskip("pyarrow", reason="needs the extra tables")
    (tmp_path / name).write_bytes(data)

    assert run(["annotate", str(tmp_path / name), "-o", str(tmp_path / "s.jsonl")]) == 1
    assert capsys.readouterr() == ("", f"farmaner: {tmp_path}/{said}\n")
    assert set(content(tmp_path)) == {name}


def test_a_disk_that_fills_up_is_one_line_and_the_job_goes_on_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    command = ["annotate", *as_folder(tmp_path / "textos"), "-o", f"{tmp_path}/s.jsonl"]
    n_synced = 0

    def fsync(_: int) -> None:
        nonlocal n_synced
        n_synced += 1
        if n_synced == 12:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        assert run(command) == 1
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert err.endswith("expected a writable file, found: No space left on device\n")
    assert run([*command, "--resume"]) == 0
    assert done(tmp_path / "s.jsonl") == list(TEXTS)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("PCR", encoding="utf-8")
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, str(FAKE), "annotate", str(tmp_path)],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert ended.returncode == 1
    assert ended.stderr == (
        b"farmaner: stdout: expected a writable file, found: No space left on device\n"
    )


def test_progress_is_a_line_at_the_end_where_stderr_is_no_terminal(
    tmp_path: Path, capsys: Captured
) -> None:
    inputs = as_folder(tmp_path / "textos")

    assert run(["annotate", *inputs, "-o", f"{tmp_path}/s.jsonl", "--progress"]) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("farmaner: 15 documents, ")
    assert " characters a second, 18 entities in 0:00:0" in err


def test_a_job_reads_ahead_no_further_than_its_workers_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from farmaner.jobs import manifest, reading

    n_read, most_ahead, n_noted = 0, 0, 0
    read, append = reading._read_text, manifest.JobFolder.append

    def counted(*arguments: Any) -> reading.Item:
        nonlocal n_read, most_ahead
        n_read += 1
        most_ahead = max(most_ahead, n_read - n_noted)
        return read(*arguments)

    def noted(self: manifest.JobFolder, row: Any) -> None:
        nonlocal n_noted
        n_noted += getattr(row, "n_items", 0)
        append(self, row)

    monkeypatch.setattr(reading, "_read_text", counted)
    monkeypatch.setattr(manifest.JobFolder, "append", noted)
    (tmp_path / "muchas").mkdir()
    for number in range(100):
        (tmp_path / "muchas" / f"{number}.txt").touch()

    assert run(["annotate", f"{tmp_path}/muchas", "-o", f"{tmp_path}/s.jsonl"]) == 0
    assert (n_read, n_noted) == (100, 100)
    assert most_ahead <= 3 * 4
