"""Which files a job reads, in which order."""

from __future__ import annotations

from pathlib import Path

import pytest

from farmaner.errors import CorpusError
from farmaner.jobs import inputs
from farmaner.jobs.inputs import Inputs, format_of


def make(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def ids(names: Inputs) -> list[str]:
    return [file.id for file in names.files()]


def test_a_folder_gives_its_own_texts_in_order_of_name_then_its_subfolders(tmp_path: Path) -> None:
    make(tmp_path, "b.txt", "a.txt", "a-b.txt", "Z.txt", "ñ.txt", "a/z.txt", "a.txt.d/c.txt")
    make(tmp_path, "a/a/1.txt", ".oculta/x.txt", ".y.txt", "a/.z.txt", "a/tabla.csv", "a.ann")

    assert ids(Inputs((str(tmp_path),))) == [
        *("Z", "a", "a-b", "b", "ñ"),
        *("a/z", "a/a/1", "a.txt.d/c"),
    ]


def test_inputs_come_in_the_order_given(tmp_path: Path) -> None:
    make(tmp_path, "b/1.txt", "a/1.txt", "c.txt")

    names = tuple(f"{tmp_path}/{name}" for name in ("b", "c.txt", "a"))
    assert [file.name for file in Inputs(names).files()] == [
        f"{tmp_path}/b/1.txt",
        f"{tmp_path}/c.txt",
        f"{tmp_path}/a/1.txt",
    ]


def test_the_order_is_the_same_when_names_are_sorted_in_runs_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, *(f"{number * 7919 % 100}\n.txt" for number in range(100)))
    in_memory = ids(Inputs((str(tmp_path),)))
    monkeypatch.setattr(inputs, "_NAMES_AT_ONCE", 7)

    assert ids(Inputs((str(tmp_path),))) == in_memory == sorted(f"{n}\n" for n in range(100))


def test_folders_that_are_links_are_not_followed_and_files_that_are_links_are(
    tmp_path: Path,
) -> None:
    make(tmp_path, "a/1.txt")
    (tmp_path / "a" / "b").symlink_to(tmp_path / "a")
    (tmp_path / "a" / "2.txt").symlink_to(tmp_path / "a" / "1.txt")

    assert ids(Inputs((str(tmp_path / "a"),))) == ["1", "2"]


@pytest.mark.parametrize(
    ("name", "format_"),
    [
        ("n.txt", "txt"),
        ("n.jsonl", "jsonl"),
        ("n.jsonl.zst", "jsonl"),
        ("n.csv.gz", "csv"),
        ("n.tsv", "csv"),
        ("s3://cubo/n.parquet", "parquet"),
        ("n", None),
        ("n.json", None),
    ],
)
def test_a_format_is_what_the_name_says_and_never_what_the_content_says(
    name: str, format_: str | None
) -> None:
    assert format_of(name) == format_


def test_a_folder_of_tables_is_read_where_its_format_is_named_or_in_its_name(
    tmp_path: Path,
) -> None:
    make(tmp_path, "t/b.csv", "t/a.tsv", "t/c.txt", "p.parquet/parte-0.parquet", "p.parquet/_OK")

    assert ids(Inputs((f"{tmp_path}/t",), "csv")) == ["a", "b"]
    assert ids(Inputs((f"{tmp_path}/p.parquet/",))) == ["parte-0"]


def test_a_folder_without_files_of_the_format_is_refused(tmp_path: Path) -> None:
    make(tmp_path, "a.txt")

    with pytest.raises(CorpusError, match=r"expected a folder with \.csv files, found none$"):
        ids(Inputs((str(tmp_path),), "csv"))


def test_a_place_that_fsspec_does_not_know_is_refused_in_a_line() -> None:
    pytest.importorskip("fsspec", reason="needs the extra remote")

    with pytest.raises(CorpusError, match=r"^nada://x: expected a place that fsspec opens, found"):
        ids(Inputs(("nada://x",)))
    with pytest.raises(CorpusError, match=r"^memory://no-hay: expected a file or a folder, found"):
        ids(Inputs(("memory://no-hay",)))
