"""What docs/spark.md and the example show runs, and prints what it says."""

from __future__ import annotations

import re
import runpy
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from farmaner.integrations.spark.__main__ import app

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "spark.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.slow
def test_python_of_the_page_prints_what_is_shown(
    spark: SparkSession, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {"spark": spark}
    shown = [(code, after) for (kind, code), (_, after) in pairwise(BLOCKS) if kind == "python"]
    assert len(shown) == 3
    for code, after in shown:
        exec(code, names)  # noqa: S102  one block goes on where the last one ended
        assert capsys.readouterr().out.rstrip() == after.rstrip()


def test_every_option_that_the_page_names_exists() -> None:
    help_text = CliRunner().invoke(app, ["--help"], env={"COLUMNS": "200"}).output
    own = "text-column id-column keep link part-mb task-documents parts-at-once threads model"
    named = {word for word in re.findall(r"--([a-z-]+)", PAGE) if word in own.split()}
    assert named == set(own.split())
    assert [word for word in named if f"--{word}" not in help_text] == []


@pytest.mark.slow
def test_the_example_counts_the_codes_of_its_notes(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(type(spark), "stop", lambda _: None)  # other tests go on with it
    runpy.run_path(str(ROOT / "examples" / "spark_notes.py"), run_name="__main__")
    first, *rows = capsys.readouterr().out.splitlines()
    assert first == "42 notes, 0 of them failed"
    assert len(rows) == 10
    assert " 15373003 creatinina" in "\n".join(rows)
