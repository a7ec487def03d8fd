"""What a Tab costs: processor time of completions as a multiple of that of `python -c pass`.

python benchmarks/completion.py
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys

REPEATS = 8
FARMANER = "from farmaner.cli import main; main()"
BASH = {"_FARMANER_COMPLETE": "complete_bash", "COMP_WORDS": "farmaner an", "COMP_CWORD": "1"}
ZSH = {"_FARMANER_COMPLETE": "complete_zsh", "_TYPER_COMPLETE_ARGS": "farmaner an"}
CASES: list[tuple[str, str, dict[str, str]]] = [
    ("import typer", "import typer", {}),
    ("import farmaner", "import farmaner", {}),
    ("Tab in bash", FARMANER, BASH),
    ("Tab in zsh, with what commands do", FARMANER, ZSH),
]


def cpu_seconds(code: str, variables: dict[str, str]) -> float:
    """Return the least processor time, of several runs, of a fresh interpreter."""
    times = []
    for _ in range(REPEATS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | variables,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(times)


def main() -> None:
    """Print a line for each case."""
    least = cpu_seconds("pass", {})
    for name, code, variables in CASES:
        print(f"{name:36} {cpu_seconds(code, variables) / least:5.1f} x python -c pass")


if __name__ == "__main__":
    main()
