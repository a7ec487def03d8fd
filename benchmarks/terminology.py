"""How large and how fast a compiled terminology is, on synthetic terms.

    python benchmarks/terminology.py [--terms 500000] [--file FILE]

Terms are invented: one to six words of syllables, with numbers, accents and salts, three names a
code on average, from a fixed seed. Prints the time to build, the file's size, the time from
nothing to the first answer in a fresh process, and the time of lookups, of a linker's near misses
and of searches, as medians.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from farmaner.linking import Term, Terminology
from farmaner.linking.approximate import similar_terms
from farmaner.linking.build import build_terminology
from farmaner.linking.search import search

SEED = 20
SYLLABLES = [a + b for a in "b c d f g l m n p r s t v x z tr cl".split() for b in "aeiou"]
ENDINGS = ["ina", "ol", "ato", "ona", "mab", "idina", "ín", "ílico", "asa", "xaban", "cilina"]
SALTS = ["clorhidrato de", "sulfato de", "maleato de", "sódico", "potásico", "ácido"]

LOAD = """
import time
import numpy
start = time.perf_counter()
from farmaner.linking.terminology import Terminology
imported = time.perf_counter()
terminology = Terminology.load({path!r})
loaded = time.perf_counter()
terminology.lookup("ácido inventado", "inflected")
print(imported - start, loaded - imported, time.perf_counter() - loaded)
"""


def invented(n_terms: int) -> Iterator[Term]:
    rng = random.Random(SEED)  # noqa: S311  nothing secret
    bases = [
        "".join(rng.choices(SYLLABLES, k=rng.randint(2, 4))) + rng.choice(ENDINGS)
        for _ in range(n_terms // 6)
    ]
    for index in range(n_terms):
        words = rng.choices(bases, k=rng.choice((1, 1, 1, 2, 2, 3)))
        if rng.random() < 0.4:
            words.insert(0, rng.choice(SALTS))
        if rng.random() < 0.5:
            words.append(f"{rng.randint(1, 999)} mg")
        yield Term(" ".join(words), str(10_000_000 + index // 3), source="table")


def microseconds(action: Callable[[str], object], names: Sequence[str]) -> float:
    times = []
    for name in names:
        start = time.perf_counter()
        action(name)
        times.append(time.perf_counter() - start)
    return 1e6 * statistics.median(times)


def misspelled(name: str) -> str:
    at = len(name) // 2
    return name[:at] + name[at + 1 :]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--terms", type=int, default=500_000)
    parser.add_argument("--file", type=Path, help="where to write  [default: a temporary file]")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.file or Path(folder) / "synthetic.terms"
        terms = list(invented(options.terms))
        start = time.perf_counter()
        terminology = build_terminology((), terms, synonyms=(), output=path)
        built = time.perf_counter() - start
        runs = [
            [
                float(value)
                for value in subprocess.run(
                    [sys.executable, "-c", LOAD.format(path=str(path))],
                    check=True,
                    capture_output=True,
                    text=True,
                ).stdout.split()
            ]
            for _ in range(5)
        ]
        imported, loaded, first = (1000 * statistics.median(column) for column in zip(*runs))
        names = [term.text for term in terms[:: max(1, len(terms) // 2000)]]
        rows = {
            "terms": f"{len(terminology):,}",
            "codes": f"{terminology.n_codes:,}",
            "build": f"{built:.1f} s",
            "peak memory of the build": f"{peak_megabytes():,.0f} MB",
            "file": f"{path.stat().st_size / 1e6:.1f} MB",
            "import of the module (after numpy)": f"{imported:.1f} ms",
            "load (map the file)": f"{loaded:.2f} ms",
            "first lookup after it": f"{first:.2f} ms",
        }
        for level in ("plain", "squashed", "inflected", "derived"):
            rows[f"lookup, {level} key"] = (
                f"{microseconds(lookup(terminology, level), names):.1f} µs"
            )
        rows["lookup of a name that is not there"] = (
            f"{microseconds(lookup(terminology, 'plain'), [name + ' x' for name in names]):.1f} µs"
        )
        wrong = [misspelled(name) for name in names[:200]]
        rows["near miss (approximate step)"] = (
            f"{microseconds(lambda name: similar_terms(terminology, name), wrong) / 1000:.2f} ms"
        )
        queries = [" ".join(word[:4] for word in name.split()[:2]) for name in names[:100]]
        rows["search of two beginnings"] = (
            f"{microseconds(lambda query: search(terminology, query), queries) / 1000:.2f} ms"
        )
        for name, value in rows.items():
            print(f"{name:38} {value:>14}")


def peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def lookup(terminology: Terminology, level: str) -> Callable[[str], object]:
    return lambda name: terminology.lookup(name, level)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
