"""Parquet: documents in, an id and a text a row; documents with entities out, in row groups.

What is written has `id`, `text` and `entities`, a list of what a JSON line has under that name.
Needs the extra `tables` (pyarrow).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from farmaner.document import Document
from farmaner.errors import FormatError, MissingExtraError
from farmaner.formats.files import decode_text
from farmaner.formats.jsonl import document_to_json
from farmaner.formats.rows import Columns, Problem, Row, make_row

_ROWS_AT_ONCE = 64
_TABLES_IN_A_GROUP = 32


def read_parquet_rows(file: BinaryIO, path: str, columns: Columns) -> Iterator[Row]:
    """Yield a file's rows, reading a few at a time; FormatError for a file that is no Parquet."""
    import_pyarrow()
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(file, buffer_size=1 << 20, pre_buffer=False)
        names = [columns.id, columns.text]
        for name in names:
            _check_column(name, table.schema_arrow, path)
        number = 0
        for batch in table.iter_batches(_ROWS_AT_ONCE, columns=list(dict.fromkeys(names))):
            ids, texts = (_values(batch.column(name)) for name in names)
            for id_, text in zip(ids, texts, strict=True):
                number += 1
                yield _row(number, id_, text, columns)
    except (pa.ArrowException, OSError):
        raise FormatError(path, None, "a Parquet file", "one that is broken or none") from None


def pack_rows(documents: Sequence[Document]) -> bytes:
    """Return documents as one Arrow stream; `write_parquet` takes these back."""
    import_pyarrow()
    import pyarrow as pa

    rows = [document_to_json(document) for document in documents]
    for row in rows:
        row["entities"] = [{name: e.get(name) for name in _ENTITY} for e in row["entities"]]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, _schema()) as writer:
        writer.write_table(pa.Table.from_pylist(rows, schema=_schema()))
    return bytes(sink.getvalue())


def write_parquet(streams: Iterable[bytes], path: Path) -> None:
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

    types = (pa.string(), pa.int64(), pa.int64(), pa.string(), pa.float64(), pa.string())
    entity = pa.struct(list(zip(_ENTITY, (*types, pa.float64()), strict=True)))
    return pa.schema([("id", pa.string()), ("text", pa.string()), ("entities", pa.list_(entity))])


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
