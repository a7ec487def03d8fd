"""CSV and Parquet as documents: what is written, what is read, what is refused and how."""

from __future__ import annotations

from pathlib import Path

import pytest

from farmaner import Concept, Document, Entity, Span
from farmaner.errors import CorpusError, FarmanerError, FormatError, UnsupportedError
from farmaner.formats.csv import HEAD, format_csv, read_csv, write_csv
from farmaner.formats.losses import describe
from farmaner.formats.rows import Columns

ORO = Entity(Span(5, 8), "NORMALIZABLES", "oro", 0.5, Concept("CHEBI:30050", 0.25))
NOTE = Document("1", 'Toma oro; dice "ya".\r\nFin.', (ORO,))
NOTHING = Document("2", "Sin novedad.")


def written(folder: Path, content: str | bytes, name: str = "notas.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return path


def test_a_document_is_a_row_with_its_entities_as_json(tmp_path: Path) -> None:
    write_csv(
        [NOTHING, Document("3", "Toma oro.", (Entity(Span(5, 8), "X", "oro"),))], tmp_path / "a.csv"
    )
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == (
        "id,text,entities\n"
        '"2","Sin novedad.","[]"\n'
        '"3","Toma oro.","[{""label"": ""X"", ""start"": 5, ""end"": 8, ""text"": ""oro"", '
        '""score"": null}]"\n'
    )


def test_a_name_in_tsv_has_tabs_between_columns(tmp_path: Path) -> None:
    write_csv([NOTE], tmp_path / "a.tsv")
    assert (tmp_path / "a.tsv").read_bytes().startswith(b"id\ttext\tentities\n")
    assert list(read_csv(tmp_path / "a.tsv")) == [NOTE]


def test_a_table_of_a_spreadsheet_is_documents_without_entities(tmp_path: Path) -> None:
    path = written(tmp_path, '\ufeff"nhc";"fecha";"nota"\r\n7;hoy;"Toma\r\noro"\r\n\r\n')
    columns = Columns("nhc", "nota", ";")
    assert list(read_csv(path, columns=columns)) == [Document("7", "Toma\r\noro")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "1: expected a column 'id', found nothing"),
        ("id,nota\n", "1: expected a column 'text', found the columns id, nota"),
        ("id,text\n1,a\n2\n", "3: expected 2 columns, found 1"),
        ('id,text\n1,"a\n', "2: expected an end to what is quoted, found the end of the file"),
        ("id,text\n,a\n", '2: expected an id under "id", found an empty one'),
        (b"id,text\n1,oro\xf1\n", "2: expected UTF-8 text, found byte 0xF1"),
        (
            "id,text,entities\n1,oro,\n",
            '2: expected a JSON list under "entities", found something else',
        ),
        ("id,text,entities\n1,oro,{}\n", '2: expected a list under "entities", found object'),
        (
            'id,text,entities\n1,oro,"[{""label"": ""X"", ""start"": 0, ""end"": 4}]"\n',
            "2: expected entities inside the text of 3 characters, found an end past it "
            "in entity 1",
        ),
    ],
)
def test_a_row_that_is_no_document_is_named(
    content: str | bytes, message: str, tmp_path: Path
) -> None:
    path = written(tmp_path, content)
    with pytest.raises(FormatError) as error:
        list(read_csv(path))
    assert str(error.value) == f"{path}:{message}"


def test_documents_before_a_bad_row_have_come_already(tmp_path: Path) -> None:
    documents = read_csv(written(tmp_path, "id,text\n1,a\n2\n"))
    assert next(documents) == Document("1", "a")


def test_what_annotate_writes_is_read_with_the_texts_beside_it(tmp_path: Path) -> None:
    rows = "".join(format_csv(document) for document in (NOTE, NOTHING))
    path = written(tmp_path, HEAD + rows)
    other = Document("0", "Ilegible")
    assert list(read_csv(path, texts=[other, NOTHING, NOTE])) == [NOTE, NOTHING]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("9,,,,,,,\n", "2: expected the id of a text, all of its rows together, found another"),
        (
            "2,,,,,,,\n1,,,,,,,\n2,,,,,,,\n",
            "4: expected the id of a text, all of its rows together, found another",
        ),
        (
            "1,X,5,ocho,oro,,,\n",
            "2: expected numbers under start, end and the scores, found something else",
        ),
        (
            "1,X,5,8,oro,,,\n1,X,6,9,oro,,,\n",
            '3: expected the text at its place under "text", found another text',
        ),
        (
            "1,X,5,5,oro,,,\n",
            "2: expected offsets with start < end, fragments in order, found others",
        ),
        (
            "1,X,5,8,oro,nan,,\n",
            '2: expected a finite number or null under "score", found number',
        ),
    ],
)
def test_a_row_of_annotate_that_does_not_fit_is_named(
    rows: str, message: str, tmp_path: Path
) -> None:
    path = written(tmp_path, HEAD + rows)
    with pytest.raises(FormatError) as error:
        list(read_csv(path, texts=[NOTE, NOTHING]))
    assert str(error.value) == f"{path}:{message}"


def test_texts_are_needed_where_a_table_has_none_and_only_there(tmp_path: Path) -> None:
    of_entities = written(tmp_path, HEAD + format_csv(NOTE))
    with pytest.raises(FormatError, match=r":1: expected texts beside this .* found none$"):
        list(read_csv(of_entities))
    of_documents = written(tmp_path, "id,text\n1,a\n", "b.csv")
    with pytest.raises(FormatError, match=r":1: expected the head of .* the columns id, text$"):
        list(read_csv(of_documents, texts=[NOTE]))
    with pytest.raises(CorpusError, match=r"^texts: expected each document id once, found '1'"):
        list(read_csv(of_entities, texts=[NOTE, NOTE]))


def test_a_text_that_utf8_cannot_hold_is_refused_and_leaves_no_file(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="needs the extra tables")
    from farmaner.formats.parquet import write_parquet

    for write, name in ((write_csv, "a.csv"), (write_parquet, "a.parquet")):
        with pytest.raises(UnsupportedError, match=r"text that UTF-8 can hold, found a lone surr"):
            write([NOTE, Document("3", "oro \ud83d")], tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_parquet_has_typed_entities_and_says_what_it_leaves_out(tmp_path: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet", reason="needs the extra tables")
    from farmaner.formats.parquet import read_parquet, write_parquet

    apart = Entity(Span(0, 8), "X", "Toma oro", None, None, (Span(0, 4), Span(5, 8)))
    losses = write_parquet([Document("1", NOTE.text, (apart,)), NOTHING], tmp_path / "a.parquet")
    assert describe(losses) == ("discontinuous entities, written from first to last character: 1")
    schema = pq.read_schema(tmp_path / "a.parquet")
    assert str(schema.field("entities").type) == (
        "list<element: struct<label: string, start: int64, end: int64, text: string, "
        "score: double, code: string, code_score: double>>"
    )
    whole = Entity(Span(0, 8), "X", "Toma oro")
    assert list(read_parquet(tmp_path / "a.parquet")) == [
        Document("1", NOTE.text, (whole,)),
        NOTHING,
    ]


def test_many_documents_of_parquet_come_back_in_their_order(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="needs the extra tables")
    from farmaner.formats.parquet import read_parquet, write_parquet

    notes = [Document(str(number), f"Toma {number} oro.") for number in range(200)]
    write_parquet(iter(notes), tmp_path / "a.parquet")
    assert list(read_parquet(tmp_path / "a.parquet")) == notes


def test_a_row_of_parquet_that_is_no_document_is_named(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="needs the extra tables")
    import pyarrow.parquet as pq

    from farmaner.formats.parquet import read_parquet

    path = tmp_path / "a.parquet"

    def refused(columns: dict[str, object]) -> str:
        pq.write_table(pa.table(columns), path)
        with pytest.raises(FarmanerError) as error:
            list(read_parquet(path))
        return str(error.value)

    unknown = pa.array([None], pa.list_(pa.struct([("label", pa.string())])))
    entities = [[{"label": "X", "start": 0, "end": 3}], [{"label": "X", "start": 0, "end": 9}]]
    assert [
        refused({"id": [1, 2], "text": ["oro", None]}),
        refused({"id": [1, 2], "text": ["oro", "oro"], "entities": entities}),
        refused({"id": [1], "text": ["oro"], "entities": ["[]"]}),
        refused({"id": [1], "text": ["oro"], "entities": unknown}),
        refused({"id": [1], "nota": ["oro"]}),
    ] == [
        f'{path}, row 2: expected a text under "text", found nothing',
        f"{path}, row 2: expected entities inside the text of 3 characters, found an end past it "
        "in entity 1",
        f"{path}: expected a list of structs under 'entities', found string",
        f'{path}, row 1: expected a list under "entities", found nothing',
        f"{path}: expected a column 'text', found the columns id, nota",
    ]
