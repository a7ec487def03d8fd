"""Names known to be names of one thing, and what they add to a terminology."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from farmaner.errors import FormatError
from farmaner.formats.files import read_text
from farmaner.linking.normalize import core_stems, squashed_key
from farmaner.linking.similarity import MIN_WORD, similarity
from farmaner.linking.tables import TABLE_LABELS
from farmaner.linking.terms import NULL, UNCODED, Term

KNOWN = "known:"
"""The source of a term that a group of synonyms added begins so; the table's name follows."""

_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class SynonymGroup:
    """Names of one thing, and the table that they stand in."""

    table: str
    names: tuple[str, ...]

    @property
    def label(self) -> str:
        """The label that all names of the table carry, empty where they differ."""
        return TABLE_LABELS.get(self.table, "")


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


def bundled_names() -> list[str]:
    """Return the names that come with the package: things of their own, without synonyms."""
    text = read_text(Path(str(resources.files("farmaner"))) / "linking" / "names.txt")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    return [word.replace("_", " ") for line in lines for word in line.split()]


def uncoded_names(
    terms: Iterable[Term], groups: Iterable[SynonymGroup], names: Iterable[str]
) -> list[Term]:
    """Return the names that no term holds, as terms without a code.

    They keep a linker from taking one drug for a misspelling of another, and their table tells
    something of whether a name has a code at all.
    """
    known = {squashed_key(term.text) for term in terms}
    tables = {name: group.table for group in reversed(list(groups)) for name in group.names}
    every = {**dict.fromkeys(names, "name"), **tables}
    return [
        Term(name, UNCODED, "", 0, KNOWN + table)
        for name, table in every.items()
        if squashed_key(name) not in known
    ]


def right_spellings(
    terms: Sequence[Term], groups: Iterable[SynonymGroup], names: Sequence[str]
) -> list[Term]:
    """Return the names of which only a misspelling was annotated, with its code.

    A misspelling is an annotated term that is no known name itself and nearly that of one thing,
    of one only, of which no name has a code.
    """
    coded = {squashed_key(term.text) for term in terms}
    things = [group.names for group in groups]
    keys = {squashed_key(name) for thing in things for name in thing}
    things += [(name,) for name in names if squashed_key(name) not in keys]
    keys.update(map(squashed_key, names))
    by_letter: dict[str, list[tuple[int, str, tuple[str, ...]]]] = defaultdict(list)
    for index, thing in enumerate(things):
        if any(squashed_key(name) in coded for name in thing):
            continue
        for name in thing:
            stems = tuple(core_stems(name))
            if len("".join(stems)) > MIN_WORD:
                by_letter[stems[0][0]].append((index, name, stems))
    found = []
    for term in terms:
        stems = tuple(core_stems(term.text))
        if not term.count or term.code == NULL or not stems or squashed_key(term.text) in keys:
            continue
        near: dict[int, tuple[float, str]] = {}
        for index, name, other in by_letter[stems[0][0]]:
            value = similarity(stems, other)
            if value > 0:
                near[index] = max(near.get(index, (0.0, "")), (value, name))
        best = sorted(near.values())[-2:]
        if best and (len(best) == 1 or best[0][0] < best[1][0]):
            found.append(Term(best[-1][1], term.code, term.label, 0, KNOWN + "spelling"))
    return found


def expand(terms: Sequence[Term], groups: Iterable[SynonymGroup]) -> list[Term]:
    """Return the terms that groups add: names without a code in a group where others have one.

    A group's code is the one that most annotations of its names carry, if its table's label
    allows it; in a tie the code of the earlier name. A name that stands in several groups (*CT*:
    calcitonin, total cholesterol) says nothing about any of them and gets the codes of all. What
    one group adds, another may build on.
    """
    expansion = _Expansion(terms)
    pending = list(groups)
    n_groups = Counter(key for group in pending for key in _keys(group))
    for _ in range(_ROUNDS):
        left = []
        for group in pending:
            speaking = [key for key in _keys(group) if n_groups[key] == 1]
            if not expansion.add(group, speaking):
                left.append(group)
        pending = left
    return list(expansion.added.values())


class _Expansion:
    """The codes of names, and the terms added to them."""

    def __init__(self, terms: Sequence[Term]) -> None:
        self.added: dict[tuple[str, str], Term] = {}
        self._codes: dict[str, Counter[str]] = defaultdict(Counter)
        labels: dict[str, Counter[str]] = defaultdict(Counter)
        for term in terms:
            self._codes[squashed_key(term.text)][term.code] += term.count or 1
            labels[term.code][term.label] += term.count or 1
        self._label = {code: counts.most_common(1)[0][0] for code, counts in labels.items()}
        self._annotated = frozenset(self._codes)

    def add(self, group: SynonymGroup, speaking: Iterable[str]) -> bool:
        """Give the group's other names the code of the speaking ones; False where none has any."""
        votes: Counter[str] = Counter()
        for key in speaking:
            for code, count in self._codes.get(key, {}).items():
                if not group.label or self._label[code] in ("", group.label):
                    votes[code] += count
        if not votes:
            return False
        code = votes.most_common(1)[0][0]
        source = KNOWN + group.table
        for name in group.names:
            key = squashed_key(name)
            if key and key not in self._annotated and (key, code) not in self.added:
                self.added[key, code] = Term(name, code, self._label[code], 0, source)
                self._codes[key].setdefault(code, 1)
        return True


def _keys(group: SynonymGroup) -> dict[str, None]:
    return dict.fromkeys(key for key in map(squashed_key, group.names) if key)
