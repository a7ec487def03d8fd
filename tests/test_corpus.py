from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest

from farmaner.cli import run
from farmaner.corpus import (
    ChecksumReport,
    CorpusReport,
    Finding,
    check_corpus,
    verify_checksums,
)
from farmaner.errors import CorpusError, FarmanerError, FormatError
from farmaner.formats.brat import read_brat

CRLF = "a line end CR LF counted as one character"
BAD: dict[str, str | bytes] = {
    # Line 2 repeats line 1, 3 overlaps it, 4 has fragments, 5 repeats an id; line 7 has no entity.
    "a.txt": "Toma oro y sulfato de hierro.",
    "a.ann": "T1\tNORMALIZABLES 5 8\toro\nT2\tNORMALIZABLES 5 8\toro\nT3\tPROTEINAS 0 8\tToma oro\n"
    "T4\tPROTEINAS 11 18;22 28\tsulfato hierro\nT1\tUNCLEAR 22 28\thierro\n"
    "#1\tAnnotatorNotes T1\t2309006\n#2\tAnnotatorNotes T9\t<null>\n",
    "b.txt": "Dolor.\r\nToma oro.",
    "b.ann": "T1\tNORMALIZABLES 12 15\toro\nT2\tNORMALIZABLES 0 5\tplata\n"
    "sin tabuladores\nT3\tPROTEINAS 9\tPCR\n",
    "c.txt": b"\xe1",
    "c.ann": "",
    "d.txt": "Sin nada.",
    "d.ann": "\n",
    "e.txt": "Sin pareja.",
    "f.ann": "suelto\n",
    "g.txt": "Sin anotar.",
    "g.ann": b"\xff",
}
GOOD: dict[str, str | bytes] = {
    "a.txt": "Dolor.\r\nToma oro.",
    "a.ann": "T1\tNORMALIZABLES 12 15\toro\n#1\tAnnotatorNotes T1\t2309006\n",
    "b.txt": "PCR y PCR [1]",
    "b.ann": "T1\tPROTEINAS 0 3\tPCR\nT2\tPROTEINAS 6 9\tPCR\n#1\tAnnotatorNotes T2\t<null>\n",
    "c.txt": "Sin nada.",
    "c.ann": "",
}


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def sums_of(folder: Path, prefix: str = "") -> str:
    return "".join(
        f"{sha256(path.read_bytes()).hexdigest()}  {prefix}{path.name}\n"
        for path in sorted(folder.iterdir())
    )


def test_a_sound_folder_has_counts_and_only_warnings(tmp_path: Path) -> None:
    folder = write(tmp_path / "bien", GOOD)
    path = f"{folder}/a.ann"
    message = f"{path}:1: NORMALIZABLES 12 15 realigned to 13 16 ({CRLF})"
    report = check_corpus(folder)
    assert report == CorpusReport(
        folder=str(folder),
        n_documents=3,
        n_characters=17 + 13 + 9,
        n_entities_by_label={"NORMALIZABLES": 1, "PROTEINAS": 2},
        n_documents_without_entities=1,
        n_coded_entities=2,
        n_codes=2,
        problems=(),
        warnings=(Finding("realigned", path, 1, message),),
    )
    assert (report.n_entities, report.n_of("realigned"), report.n_of("mismatch")) == (3, 1, 0)


def test_all_that_is_wrong_is_reported_in_one_pass(tmp_path: Path) -> None:
    folder = write(tmp_path / "mal", BAD)
    report = check_corpus(folder)
    assert [(f.kind, f.line, f.message.removeprefix(f"{folder}/")) for f in report.problems] == [
        (
            "mismatch",
            2,
            "b.ann:2: expected the surface column at NORMALIZABLES 0 5, "
            "found other text there and no such words within 16 characters",
        ),
        (
            "malformed line",
            3,
            "b.ann:3: expected a brat annotation with tabs, found a line without tabs",
        ),
        (
            "malformed line",
            4,
            "b.ann:4: expected a label and offsets such as 27 46 or 27 30;35 46, "
            "found a second field of another form",
        ),
        ("unreadable file", None, "c.txt: expected UTF-8 text, found byte 0xE1 at byte offset 0"),
        ("text without ann", None, "e.txt: expected e.ann beside it, found none"),
        ("ann without text", None, "f.ann: expected f.txt beside it, found none"),
        (
            "malformed line",
            1,
            "f.ann:1: expected a brat annotation with tabs, found a line without tabs",
        ),
        ("unreadable file", None, "g.ann: expected UTF-8 text, found byte 0xFF at byte offset 0"),
    ]
    assert [(f.kind, f.line, f.message.removeprefix(f"{folder}/")) for f in report.warnings] == [
        ("note without entity", None, "a.ann: a note is about T9, which is not in the file"),
        ("overlap", 1, "a.ann:1: NORMALIZABLES 5 8 overlaps PROTEINAS 0 8 of line 3"),
        ("duplicate", 2, "a.ann:2: NORMALIZABLES 5 8 is already that of line 1"),
        ("discontinuous", 4, "a.ann:4: PROTEINAS 11 28 is discontinuous, in 2 fragments"),
        ("duplicate id", 5, "a.ann:5: the id T1 is already that of line 1"),
        ("overlap", 5, "a.ann:5: UNCLEAR 22 28 overlaps PROTEINAS 11 28 of line 4"),
        ("realigned", 1, f"b.ann:1: NORMALIZABLES 12 15 realigned to 13 16 ({CRLF})"),
    ]
    assert report.n_entities_by_label == {"NORMALIZABLES": 3, "PROTEINAS": 2, "UNCLEAR": 1}
    assert (report.n_documents, report.n_documents_without_entities) == (5, 1)


def test_entities_that_touch_or_lie_in_a_gap_do_not_overlap(tmp_path: Path) -> None:
    ann = "T1\tA 0 4;9 10\tToma y\nT2\tB 5 8\toro\nT3\tC 10 18\t sulfato\n"
    folder = write(tmp_path, {"a.txt": "Toma oro y sulfato.", "a.ann": ann})
    assert [finding.kind for finding in check_corpus(folder).warnings] == ["discontinuous"]


def test_every_pair_of_overlapping_entities_is_named(tmp_path: Path) -> None:
    ann = "T1\tA 0 10\tToma oro y\nT2\tB 0 4\tToma\nT3\tC 5 8\toro\nT4\tA 5 8\toro\n"
    folder = write(tmp_path, {"a.txt": "Toma oro y sulfato.", "a.ann": ann})
    assert [finding.message for finding in check_corpus(folder).warnings] == [
        f"{folder}/a.ann:1: A 0 10 overlaps B 0 4 of line 2",
        f"{folder}/a.ann:3: C 5 8 overlaps A 0 10 of line 1",
        f"{folder}/a.ann:4: A 5 8 overlaps A 0 10 of line 1",
        f"{folder}/a.ann:4: A 5 8 overlaps C 5 8 of line 3",
    ]


@pytest.mark.parametrize("files", [GOOD, {name: BAD[name] for name in ("a.txt", "a.ann")}])
def test_there_are_no_problems_where_the_folder_can_be_read(
    tmp_path: Path, files: dict[str, str | bytes]
) -> None:
    write(tmp_path, files)
    assert len(read_brat(tmp_path)) == check_corpus(tmp_path).n_documents
    assert check_corpus(tmp_path).problems == ()


@pytest.mark.parametrize("stem", ["b", "c", "e", "f", "g"])
def test_there_are_problems_whenever_the_folder_cannot_be_read(tmp_path: Path, stem: str) -> None:
    files = {name: content for name, content in BAD.items() if name[0] in ("d", stem)}
    write(tmp_path, files)
    with pytest.raises(FarmanerError):
        read_brat(tmp_path)
    assert check_corpus(tmp_path).problems


def test_a_folder_without_texts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CorpusError) as caught:
        check_corpus(tmp_path)
    assert str(caught.value) == f"{tmp_path}: expected a folder with .txt files, found none"


@pytest.mark.parametrize(
    ("list_name", "prefix"),
    [
        ("SUMS", "train/"),
        ("train/SUMS", ""),
        ("otro/SUMS", "train/"),
        ("otro/SUMS", ""),
        ("train/SUMS", "./"),
        ("otro/SUMS", "../train/"),
    ],
)
def test_a_list_of_sums_may_stand_in_several_places(
    tmp_path: Path, list_name: str, prefix: str
) -> None:
    folder = write(tmp_path / "train", GOOD)
    text = sums_of(folder, prefix)
    write(tmp_path / "otro", {})
    (tmp_path / list_name).write_text(text)
    assert verify_checksums(tmp_path / list_name, folder) == ChecksumReport(6, (), (), ())


def test_files_changed_missing_and_unlisted_are_told_apart(tmp_path: Path) -> None:
    folder = write(tmp_path / "train", GOOD)
    text = sums_of(folder, "train/") + "\n" + "0" * 64 + "  test/z.txt\r\n"
    (tmp_path / "SUMS").write_text(text.replace("  train/b", " *train/b").upper().lower())
    (folder / "a.txt").write_text("otro")
    (folder / "b.ann").unlink()
    write(folder / "nueva", {"x.txt": "", ".oculto": ""})
    report = verify_checksums(tmp_path / "SUMS", folder)
    assert report == ChecksumReport(4, ("b.ann",), ("a.txt",), ("nueva/x.txt",))
    assert not report.ok


def test_sums_in_capitals_are_the_same_sums(tmp_path: Path) -> None:
    folder = write(tmp_path / "train", {"a.txt": "oro"})
    (tmp_path / "SUMS").write_text(f"{sha256(b'oro').hexdigest().upper()}  train/a.txt")
    assert verify_checksums(tmp_path / "SUMS", folder).ok


def test_a_list_about_other_files_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "train", GOOD)
    (tmp_path / "SUMS").write_text("0" * 64 + "  dev/a.txt\n")
    with pytest.raises(CorpusError) as caught:
        verify_checksums(tmp_path / "SUMS", folder)
    assert str(caught.value) == f"{tmp_path}/SUMS: expected sums of files in {folder}, found none"


@pytest.mark.parametrize("line", ["a.txt", "0" * 63 + "  a.txt", "0" * 64 + " a.txt", "0" * 64])
def test_a_malformed_list_is_refused_with_its_line(tmp_path: Path, line: str) -> None:
    folder = write(tmp_path / "train", GOOD)
    (tmp_path / "SUMS").write_text(sums_of(folder, "train/") + line)
    with pytest.raises(FormatError) as caught:
        verify_checksums(tmp_path / "SUMS", folder)
    assert str(caught.value) == (
        f"{tmp_path}/SUMS:7: expected 64 hexadecimal digits, two spaces and a path, "
        "found another form"
    )


def test_the_command_prints_counts_and_warnings_and_exits_0(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    folder = write(tmp_path / "bien [1]", GOOD)
    (tmp_path / "SUMS").write_text(sums_of(folder, "bien [1]/"))
    code = run(["corpus", "check", str(folder), "--checksums", str(tmp_path / "SUMS")])
    out, err = capsys.readouterr()
    lines = out.splitlines()
    cells = [line.strip("│").split("│") for line in lines if "│" in line]
    rows = {name.strip(): count.strip() for name, count in cells}
    assert (code, err, lines[0]) == (0, "", str(folder))
    assert rows == {
        "documents": "3",
        "without entities": "1",
        "characters": "39",
        "entities": "3",
        "NORMALIZABLES": "1",
        "PROTEINAS": "2",
        "entities with a code": "2",
        "different codes": "2",
        "offsets realigned": "1",
        "entities out of place": "0",
        "malformed lines": "0",
        "unreadable files": "0",
        ".txt without .ann": "0",
        ".ann without .txt": "0",
        "overlaps": "0",
        "duplicates": "0",
        "discontinuous": "0",
        "files as in the list": "6",
        "files changed": "0",
        "files missing": "0",
        "files not in the list": "0",
    }
    assert lines[-4:] == [
        "Warnings",
        f"{folder}/a.ann:1: NORMALIZABLES 12 15 realigned to 13 16 ({CRLF})",
        "",
        "0 problems, 1 warning",
    ]


def test_the_command_lists_every_problem_and_exits_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "mal", BAD)
    report = check_corpus(folder)
    code = run(["corpus", "check", str(folder)])
    out, err = capsys.readouterr()
    expected = [
        "Problems",
        *(finding.message for finding in report.problems),
        "",
        "Warnings",
        *(finding.message for finding in report.warnings),
        "",
        "8 problems, 7 warnings",
    ]
    assert (code, err, out.splitlines()[-len(expected) :]) == (1, "", expected)


def test_the_command_never_prints_text_of_a_document(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["corpus", "check", str(write(tmp_path / "mal", BAD))])
    out, err = capsys.readouterr()
    words = ("oro", "plata", "hierro", "sulfato", "Toma", "Dolor", "tabuladores", "suelto")
    assert [word for word in words if word in out + err] == []


def test_changed_files_exit_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path / "train", GOOD)
    (tmp_path / "SUMS").write_text(sums_of(folder, "train/"))
    write(folder, {"c.txt": "Nada.", "d.txt": "Nada.", "d.ann": "", "c.ann.bak": ""})
    for name in ("a.ann", "a.txt"):
        (folder / name).unlink()
    code = run(["corpus", "check", str(folder), "--checksums", str(tmp_path / "SUMS")])
    out, _ = capsys.readouterr()
    assert code == 1
    assert out[out.index("Files changed") :] == (
        "Files changed\nc.txt\n\nFiles missing\na.ann\na.txt\n\n"
        "Files not in the list\nc.ann.bak\nd.ann\nd.txt\n\n0 problems, 0 warnings\n"
    )


def test_the_command_can_answer_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write(tmp_path / "train", GOOD)
    (tmp_path / "SUMS").write_text(sums_of(folder, "train/"))
    arguments = ["corpus", "check", str(folder), "--checksums", str(tmp_path / "SUMS"), "--json"]
    code = run(arguments)
    answer = json.loads(capsys.readouterr().out)
    path = f"{folder}/a.ann"
    assert code == 0
    assert answer == {
        "folder": str(folder),
        "n_documents": 3,
        "n_characters": 39,
        "n_entities_by_label": {"NORMALIZABLES": 1, "PROTEINAS": 2},
        "n_documents_without_entities": 1,
        "n_coded_entities": 2,
        "n_codes": 2,
        "problems": [],
        "warnings": [
            {
                "kind": "realigned",
                "path": path,
                "line": 1,
                "message": f"{path}:1: NORMALIZABLES 12 15 realigned to 13 16 ({CRLF})",
            }
        ],
        "n_entities": 3,
        "checksums": {"n_equal": 6, "missing": [], "changed": [], "unlisted": []},
    }


def test_bad_input_is_one_line_and_exits_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["corpus", "check", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert (out, err) == (
        "",
        f"farmaner: {tmp_path}: expected a folder with .txt files, found none\n",
    )


def test_a_usage_mistake_exits_2() -> None:
    assert run(["corpus", "check", "--nada"]) == 2


@pytest.mark.shared
@pytest.mark.parametrize(
    ("split", "by_label", "n_empty", "n_realigned"),
    [
        (
            "train",
            {"NORMALIZABLES": 2304, "NO_NORMALIZABLES": 24, "PROTEINAS": 1405, "UNCLEAR": 89},
            89,
            5,
        ),
        (
            "dev",
            {"NORMALIZABLES": 1121, "NO_NORMALIZABLES": 16, "PROTEINAS": 745, "UNCLEAR": 44},
            27,
            0,
        ),
    ],
)
def test_the_corpus_is_sound_and_the_original(
    shared_dir: Path, split: str, by_label: dict[str, int], n_empty: int, n_realigned: int
) -> None:
    folder = shared_dir / "pharmaconer" / split
    report = check_corpus(folder)
    assert (report.n_entities_by_label, report.n_documents_without_entities) == (by_label, n_empty)
    assert (report.problems, [finding.kind for finding in report.warnings]) == (
        (),
        ["realigned"] * n_realigned,
    )
    sums = verify_checksums(shared_dir / "pharmaconer" / "SHA256SUMS", folder)
    assert sums == ChecksumReport(len(list(folder.iterdir())), (), (), ())
