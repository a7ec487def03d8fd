"""Names known to be names of one thing, and what they add to a terminology."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from farmaner.errors import FormatError
from farmaner.formats.files import read_text
from farmaner.linking.normalize import squashed_key
from farmaner.linking.terms import Term

KNOWN = "known:"
"""The source of a term that a group of synonyms added begins so; the table's name follows."""

_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class SynonymGroup:
    """Names of one thing, and the table that they stand in."""

    table: str
    names: tuple[str, ...]


def bundled_synonyms() -> list[SynonymGroup]:
    """Return the groups that come with the package."""
    return read_synonyms(Path(str(resources.files("farmaner"))) / "linking" / "synonyms.tsv")


def read_synonyms(path: Path | str) -> list[SynonymGroup]:
    """Read a file of groups: the table's name, a tab, and names with ` | ` between them.

    Blank lines and lines that begin with `#` are passed over. FormatError with file and line
    where a line is another, or has fewer than two names.
    """
    groups = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        line = line.rstrip("\r")
        if not line.strip() or line.startswith("#"):
            continue
        table, tab, rest = line.partition("\t")
        names = tuple(name.strip() for name in rest.split(" | ") if name.strip())
        if not tab or not table.strip() or len(names) < 2:
            expected = "a table, one tab and two or more names with ` | ` between"
            raise FormatError(path, number, expected, f"{len(names)} names")
        groups.append(SynonymGroup(table.strip(), names))
    return groups


def expand(terms: Sequence[Term], groups: Iterable[SynonymGroup]) -> list[Term]:
    """Return the terms that groups add: names without a code in a group where others have one.

    A group's code is the one that most annotations of its names carry; in a tie the code of the
    earlier name. A name that stands in several groups (*CT*: calcitonin, total cholesterol) says
    nothing about any of them and gets the codes of all. What one group adds, another may build on.
    """
    known: dict[str, Counter[str]] = defaultdict(Counter)
    labels: dict[str, Counter[str]] = defaultdict(Counter)
    for term in terms:
        known[squashed_key(term.text)][term.code] += term.count or 1
        labels[term.code][term.label] += term.count or 1
    annotated = set(known)
    added: dict[tuple[str, str], Term] = {}
    pending = list(groups)
    n_groups = Counter(key for group in pending for key in _keys(group))
    for _ in range(_ROUNDS):
        left = []
        for group in pending:
            votes = Counter[str]()
            for key in _keys(group):
                if n_groups[key] == 1:
                    votes.update(known.get(key, {}))
            code = votes.most_common(1)[0][0] if votes else None
            if code is None:
                left.append(group)
                continue
            label = labels[code].most_common(1)[0][0]
            for name in group.names:
                key = squashed_key(name)
                if key and key not in annotated:
                    added.setdefault((key, code), Term(name, code, label, 0, KNOWN + group.table))
        for key, code in added:
            known[key].setdefault(code, 1)
        pending = left
    return list(added.values())


def _keys(group: SynonymGroup) -> dict[str, None]:
    return dict.fromkeys(key for key in map(squashed_key, group.names) if key)
