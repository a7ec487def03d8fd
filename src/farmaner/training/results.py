"""What an experiment came to: `results.json` with every figure, `table.md` to be read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, groupby
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from farmaner.evaluation.official import STRICT, score_ner
from farmaner.evaluation.seeds import compare_seeds
from farmaner.formats.brat import list_folder
from farmaner.formats.files import write_text
from farmaner.training.config import TrainingConfig
from farmaner.training.steps import Step

SUBMISSION = "subtask1"
"""The folder of a submission's `.ann` files, as the task wants them."""

RESULTS_FILE = "results.json"
TABLE_FILE = "table.md"
FIGURES = ("precision", "recall", "f1")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system, fitted with one seed, says of the dev texts and, if there are, the test's.

    `dev` was fitted on train alone, `test` on train and dev; both are submissions.
    """

    system: str
    config: TrainingConfig
    searched: bool
    dev: Step
    test: Step | None

    def as_input(self) -> dict[str, Any]:
        """Return the answer as a step's input."""
        settings = self.config.as_input()
        return {"system": self.system, "settings": settings, "dev": self.dev, "test": self.test}


@dataclass(frozen=True, slots=True)
class Data:
    """The folders that are judged on: dev, and test where it has gold (`judged`)."""

    dev: Path
    test: Path | None
    judged: bool

    @property
    def split(self) -> str:
        """The split that the table is about."""
        return "test" if self.judged else "dev"

    @property
    def gold(self) -> Path:
        """The folder of the table's gold."""
        return self.test if self.judged and self.test is not None else self.dev


def write_results(answers: Sequence[Answer], data: Data, folder: Path) -> None:
    """Score the answers, and write `results.json` and `table.md` into `folder`."""
    systems = [_system(list(group), data) for _, group in groupby(answers, lambda a: a.system)]
    results = {
        "split": data.split,
        "fitted_on": "train + dev" if data.judged else "train",
        "gold": str(data.gold),
        "n_documents": len(list_folder(data.gold)[1]),
        "rules": STRICT.name,
        "systems": systems,
        "differences": _differences(answers, data),
    }
    text = json.dumps(results, ensure_ascii=False, indent=2) + "\n"
    write_text(folder / RESULTS_FILE, text)
    write_text(folder / TABLE_FILE, _table(results, has_test=data.test is not None))


def _system(answers: Sequence[Answer], data: Data) -> dict[str, Any]:
    first = answers[0]
    seeds = [
        {
            "seed": answer.config.seed,
            "dev": score_ner(data.dev, answer.dev.folder / SUBMISSION).as_dict(),
            "test": score_ner(data.gold, answer.test.folder / SUBMISSION).as_dict()
            if data.judged and answer.test is not None
            else None,
        }
        for answer in answers
    ]
    settings = dataclasses.asdict(first.config)
    del settings["seed"]
    return {
        "system": first.system,
        "settings": settings,
        "searched": first.searched,
        "seeds": seeds,
        "dev": _over_seeds(seeds, "dev"),
        "test": _over_seeds(seeds, "test") if data.judged else None,
    }


def _over_seeds(seeds: Sequence[dict[str, Any]], split: str) -> dict[str, Any]:
    """Return mean and sample standard deviation of each figure; no deviation of one seed."""
    values = {name: [seed[split]["micro"][name] for seed in seeds] for name in FIGURES}
    return {
        name: {"mean": mean(each), "deviation": stdev(each) if len(each) > 1 else None}
        for name, each in values.items()
    }


def _differences(answers: Sequence[Answer], data: Data) -> list[dict[str, Any]]:
    """Compare every two systems on the table's split."""
    by_system: dict[str, list[Path]] = {}
    for answer in answers:
        step = answer.test if data.judged and answer.test is not None else answer.dev
        by_system.setdefault(answer.system, []).append(step.folder / SUBMISSION)
    return [
        {"a": a, "b": b, **dataclasses.asdict(compare_seeds(data.gold, of_a, of_b))}
        for (a, of_a), (b, of_b) in combinations(by_system.items(), 2)
    ]


def _table(results: dict[str, Any], *, has_test: bool) -> str:
    split = results["split"]
    rows = ["| system | P | R | F1 |", "|---|---|---|---|"]
    for system in results["systems"]:
        cells = [_cell(system[split][name]) for name in FIGURES]
        rows.append(f"| {system['system'].replace('|', chr(92) + '|')} | {' | '.join(cells)} |")
    seeds = [seed["seed"] for seed in results["systems"][0]["seeds"]]
    over = (
        f"mean ± sample standard deviation over seeds {', '.join(map(str, seeds))}"
        if len(seeds) > 1
        else f"seed {seeds[0]}"
    )
    why = ""
    if split == "dev":
        why = (
            ": the test texts have no gold beside them"
            if has_test
            else ": no test texts were given"
        )
        why += ". The epoch was chosen on dev, which flatters it a little"
    caption = (
        f"{split}, {results['n_documents']} documents, exact match, {results['rules']} rules, "
        f"micro, %; {over}. Fitted on {results['fitted_on']}{why}."
    )
    lines = [_difference(one) for one in results["differences"]]
    return "\n".join([*rows, "", caption, *(part for line in lines for part in ("", line)), ""])


def _cell(figure: dict[str, Any]) -> str:
    deviation = figure["deviation"]
    value = f"{100 * figure['mean']:.2f}"
    return value if deviation is None else f"{value} ± {100 * deviation:.2f}"


def _difference(one: dict[str, Any]) -> str:
    low, high = (100 * one["interval"][end] for end in ("low", "high"))
    drawn = "documents and seeds" if max(one["n_seeds_a"], one["n_seeds_b"]) > 1 else "documents"
    return (
        f"F1, {one['a']} − {one['b']}: {100 * one['difference']:+.2f}, "
        f"{one['confidence_level']:.0%} interval {low:+.2f} to {high:+.2f} (percentile bootstrap "
        f"over {drawn}, {one['n_resamples']} draws)."
    )
