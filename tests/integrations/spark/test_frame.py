"""A DataFrame of notes: the entities of `farmaner annotate`, and why a row has none."""

from __future__ import annotations

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.integrations.spark.conftest import Found, found_in, no_proc, processes

from farmaner.errors import ConfigError, ModelError
from farmaner.integrations.spark import annotate
from farmaner.recognizer import bundled_model

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

pytestmark = pytest.mark.slow


@pytest.fixture
def notes(spark: SparkSession, texts: dict[str, str]) -> DataFrame:
    return spark.createDataFrame(
        [(id_, 2024, text) for id_, text in texts.items()],
        "id string, `año` int, `nota.texto` string",
    )


def test_a_frame_keeps_its_columns_and_gets_what_farmaner_annotate_finds(
    spark: SparkSession, notes: DataFrame, texts: dict[str, str], annotated: Path, linked: Found
) -> None:
    answer = annotate(notes, "nota.texto", link=True)

    assert answer.columns == ["id", "año", "nota.texto", "entities", "error"]
    assert (
        answer.schema["entities"].dataType
        == spark.read.parquet(str(annotated)).schema["entities"].dataType
    )
    rows = answer.collect()
    assert {row.id: (row.año, row["nota.texto"]) for row in rows} == {
        id_: (2024, text) for id_, text in texts.items()
    }
    assert found_in(rows) == linked


def test_offsets_count_code_points_whatever_java_counts(notes: DataFrame) -> None:
    only = notes.where("id = 'mensaje-teleconsulta'")  # emoji stand before its entities
    (row,) = annotate(only, "nota.texto").collect()
    text = row["nota.texto"]
    assert [entity.text for entity in row.entities] == [
        text[entity.start : entity.end] for entity in row.entities
    ]
    assert len(row.entities) > 5


def test_however_many_partitions_the_answers_are_the_same(
    notes: DataFrame, unlinked: Found
) -> None:
    for n_partitions in (1, 5):
        answer = annotate(notes.repartition(n_partitions), "nota.texto", model=bundled_model())
        assert found_in(answer.collect()) == unlinked


def test_a_row_that_fails_says_why_and_the_others_are_annotated(spark: SparkSession) -> None:
    rows = spark.sql(
        """
        select * from values
          ('bien', cast('Niega alergia a penicilina.' as binary)),
          ('vacía', cast('' as binary)),
          ('nula', null),
          ('a medias', cast(concat(cast('Dolor ' as binary), X'EDA080') as binary)),
          ('larga', cast(repeat('a', 41) as binary)),
          (null, cast('Niega alergia a penicilina.' as binary)),
          ('', cast('Niega alergia a penicilina.' as binary))
        as t(nhc, nota)
        """
    )
    # Spark does not look into a string that it is handed as bytes.
    answer = annotate(rows.selectExpr("nhc", "cast(nota as string)"), "nota", "nhc", max_chars=40)

    found = answer.select("nhc", "entities", "error").collect()

    surfaces = [
        (row.nhc, row.error, row.entities and [entity.text for entity in row.entities])
        for row in found
    ]
    assert surfaces == [
        ("bien", None, ["penicilina"]),
        ("vacía", None, []),
        ("nula", 'expected a text under "nota", found nothing', None),
        ("a medias", "expected UTF-8 text, found byte 0xED at byte offset 6", None),
        ("larga", "expected a text of at most 40 characters, found 41", None),
        (None, 'expected an id under "nhc", found nothing', None),
        ("", 'expected an id under "nhc", found an empty one', None),
    ]


def test_a_filter_on_what_was_found_does_not_find_it_twice(notes: DataFrame) -> None:
    answer = annotate(notes, "nota.texto").where("error is null and size(entities) > 3")
    plan = answer.select("id", "entities")._jdf.queryExecution().executedPlan().toString()
    assert plan.count("ArrowEvalPython") == 1


@pytest.mark.skipif(no_proc(), reason="needs /proc to find the workers")
def test_python_workers_killed_amid_their_tasks_lose_nothing(
    spark: SparkSession, notes: DataFrame, unlinked: Found
) -> None:
    tracker = spark.sparkContext.statusTracker()
    times = spark.range(4).withColumnRenamed("id", "time")
    answer = annotate(notes.crossJoin(times).repartition(9), "nota.texto")

    def running() -> list[int]:
        """Return the stages of nine tasks of which some have ended and some have not."""
        stages = ((id_, tracker.getStageInfo(id_)) for id_ in tracker.getActiveStageIds())
        return [
            id_
            for id_, of in stages
            if of is not None and of.numTasks == 9 and of.numCompletedTasks and of.numActiveTasks
        ]

    with ThreadPoolExecutor(1) as pool:
        collected = pool.submit(answer.collect)
        while not (stages := running()):
            assert not collected.done()
            time.sleep(0.01)
        for daemon in processes("pyspark.daemon", below=os.getpid()):
            for worker in processes("pyspark.daemon", below=daemon):
                os.kill(worker, signal.SIGKILL)
        rows = collected.result()

    stage = tracker.getStageInfo(stages[0])
    assert stage is not None
    assert stage.numFailedTasks >= 1
    assert len(rows) == 4 * len(unlinked)
    for time_ in range(4):
        assert found_in([row for row in rows if row.time == time_]) == unlinked


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (("nota", "id"), "expected a column 'nota', found the columns id, texto, año, peso, Error"),
        (("año", "id"), "expected strings under 'año', found int"),
        (("texto", "peso"), "expected strings or whole numbers under 'peso', found double"),
        (("texto", "id"), "expected no column of the name 'Error', found one; rename it"),
    ],
)
def test_columns_that_will_not_do_are_refused_before_anything_runs(
    spark: SparkSession, columns: tuple[str, str], message: str
) -> None:
    schema = "id string, texto string, `año` int, peso double, Error string"
    with pytest.raises(ConfigError) as refused:
        annotate(spark.createDataFrame([], schema), *columns)
    assert str(refused.value) == f"DataFrame: {message}"


def test_a_folder_that_is_no_model_is_refused_before_anything_runs(
    notes: DataFrame, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match=str(tmp_path)):
        annotate(notes, "nota.texto", model=tmp_path)
