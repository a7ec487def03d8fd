"""Parquet: a document a row, in row groups.

There are `id`, `text` and `entities`, a list of structs with what a JSON line has under that name,
fragments left out. Needs the extra `tables` (pyarrow).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from farmaner.document import Document
from farmaner.errors import FormatError, MissingExtraError, UnsupportedError
from farmaner.formats.files import decode_text, writing_whole
from farmaner.formats.jsonl import document_to_json, read_entities
from farmaner.formats.losses import Holds, Losses, fit_all
from farmaner.formats.opening import open_binary
from farmaner.formats.reading import Where
from farmaner.formats.rows import Columns, Problem, Row, make_row

HOLDS = Holds(fragments=False)
_PLAIN = Columns()
_ROWS_AT_ONCE = 64
_TABLES_IN_A_GROUP = 32


def read_parquet_rows(file: BinaryIO, path: str, columns: Columns) -> Iterator[Row]:
    """Yield a file's rows, reading a few at a time; FormatError for a file that is no Parquet."""
    for row, _ in _read_rows(file, path, columns, with_entities=False):
        yield row


def read_parquet(path: Path | str, *, columns: Columns = _PLAIN) -> Iterator[Document]:
    """Return an iterator over the documents of a file, which holds a few of them at a time.

    Without a column `entities` they have none; other columns are passed over. Raises FormatError
    with file and row for one that is no document, an entity that does not fit its text included.
    """
    import_pyarrow()
    return _documents(str(path), columns)


def write_parquet(documents: Iterable[Document], path: Path | str) -> Losses:
    """Write documents to a file, complete or not at all; return what it cannot hold."""
    import_pyarrow()
    losses: Losses = Counter()
    fitted = fit_all(documents, HOLDS, losses)
    parts = iter(lambda: list(islice(fitted, _ROWS_AT_ONCE)), [])
    try:
        with writing_whole(Path(path)) as whole:
            write_packed_rows((pack_rows(part) for part in parts), whole)
    except UnicodeEncodeError as error:
        raise UnsupportedError(
            f"{path}: expected text that UTF-8 can hold, found a lone surrogate at character "
            f"{error.start}"
        ) from None
    return losses


def arrow_rows(ids: Any, texts: Any, columns: Columns, *, first_number: int = 1) -> Iterator[Row]:
    """Yield the rows of two Arrow arrays of strings, bytes or whole numbers."""
    pairs = zip(_values(ids), _values(texts), strict=True)
    for number, (id_, text) in enumerate(pairs, start=first_number):
        yield _row(number, id_, text, columns)


def entities_to_rows(document: Document) -> list[dict[str, Any]]:
    """Return a document's entities as values of `entities_type`."""
    entities = document_to_json(document, with_text=False)["entities"]
    return [{name: entity.get(name) for name in _ENTITY} for entity in entities]


def entities_type() -> Any:
    """Return the Arrow type of `entities`."""
    import pyarrow as pa

    types = (pa.string(), pa.int64(), pa.int64(), pa.string(), pa.float64(), pa.string())
    return pa.list_(pa.struct(list(zip(_ENTITY, (*types, pa.float64()), strict=True))))


def pack_rows(documents: Sequence[Document]) -> bytes:
    """Return documents as one Arrow stream; `write_packed_rows` takes these."""
    import_pyarrow()
    import pyarrow as pa

    rows = [
        {"id": document.id, "text": document.text, "entities": entities_to_rows(document)}
        for document in documents
    ]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, _schema()) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema=_schema()))
    return bytes(sink.getvalue())


def write_packed_rows(streams: Iterable[bytes], path: Path) -> None:
    """Write a Parquet file of what `pack_rows` made, a fixed number of streams a row group."""
    import_pyarrow()
    import pyarrow as pa
    import pyarrow.parquet as pq

    streams = iter(streams)
    with pq.ParquetWriter(path, _schema(), compression="zstd") as writer:
        while group := list(islice(streams, _TABLES_IN_A_GROUP)):
            tables = [pa.ipc.open_stream(stream).read_all() for stream in group]
            writer.write_table(pa.concat_tables(tables).combine_chunks())


def import_pyarrow() -> None:
    """Raise MissingExtraError where pyarrow is not installed."""
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        raise MissingExtraError("pyarrow", "tables") from None


_ENTITY = ("label", "start", "end", "text", "score", "code", "code_score")


def _schema() -> Any:
    import pyarrow as pa

    names = [("id", pa.string()), ("text", pa.string()), ("entities", entities_type())]
    return pa.schema(names)


def _documents(path: str, columns: Columns) -> Iterator[Document]:
    with open_binary(path) as file:
        for row, entities in _read_rows(file, path, columns, with_entities=True):
            where = Where(path, part=f"row {row.number}")
            if isinstance(row.text, Problem):
                raise where.error(row.text.expected, row.text.found)
            found = read_entities(entities, row.text, where)
            yield Document(str(row.id), row.text, found)


def _read_rows(
    file: BinaryIO, path: str, columns: Columns, *, with_entities: bool
) -> Iterator[tuple[Row, object]]:
    """Yield rows and what each has under `entities`: an empty list where there is no column."""
    import_pyarrow()
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file, buffer_size=1 << 20, pre_buffer=False)
        names = [columns.id, columns.text]
        for name in names:
            _check_column(name, table.schema_arrow, path)
        if with_entities and "entities" in table.schema_arrow.names:
            _check_entities(table.schema_arrow, path)
            names.append("entities")
        number = 1
        for batch in table.iter_batches(_ROWS_AT_ONCE, columns=list(dict.fromkeys(names))):
            ids, texts = (batch.column(name) for name in names[:2])
            found = batch.column(names[2]).to_pylist() if names[2:] else [[]] * len(ids)
            rows = arrow_rows(ids, texts, columns, first_number=number)
            yield from zip(rows, found, strict=True)
            number += len(ids)
    except (pa.ArrowException, OSError):
        raise FormatError(path, None, "a Parquet file", "one that is broken or none") from None
    except UnicodeDecodeError:
        raise FormatError(path, None, "entities in UTF-8", "others") from None


def _check_entities(schema: Any, path: str) -> None:
    import pyarrow.types as of

    if schema.names.count("entities") != 1:
        raise FormatError(path, None, "one column 'entities'", "two")
    kind = schema.field("entities").type
    if not (of.is_list(kind) or of.is_large_list(kind)) or not of.is_struct(kind.value_type):
        raise FormatError(path, None, "a list of structs under 'entities'", f"{kind}")


def _check_column(name: str, schema: Any, path: str) -> None:
    if schema.names.count(name) != 1:
        found = f"the columns {', '.join(schema.names)}"
        raise FormatError(path, None, f"a column {name!r}", found)
    import pyarrow.types as of

    kind = schema.field(name).type
    kind = kind.value_type if of.is_dictionary(kind) else kind
    if not (_is_text(kind) or of.is_integer(kind)):
        raise FormatError(path, None, f"strings or whole numbers under {name!r}", f"{kind}")


def _is_text(kind: Any) -> bool:
    import pyarrow.types as of

    tests = (of.is_string, of.is_large_string, of.is_binary, of.is_large_binary)
    return any(test(kind) for test in tests)


def _values(column: Any) -> list[object]:
    """Return a column's values, strings as the bytes that they are stored as."""
    import pyarrow as pa
    import pyarrow.types as of

    if of.is_dictionary(column.type):
        column = column.dictionary_decode()
    if _is_text(column.type):
        column = column.cast(pa.large_binary())
    values: list[object] = column.to_pylist()
    return values


def _row(number: int, id_: object, text: object, columns: Columns) -> Row:
    try:
        id_ = decode_text(id_, "") if isinstance(id_, bytes) else id_
    except FormatError as error:
        return Row(number, None, Problem("an id in UTF-8", error.found))
    try:
        text = decode_text(text, "") if isinstance(text, bytes) else text
    except FormatError as error:
        return Row(number, str(id_), Problem(error.expected, error.found))
    return make_row(number, id_, text, columns)
