"""Annotate the example notes on Spark, on this machine, and count the codes that they name.

Needs the extra spark, pip install "farmaner[spark]", and Java 17 or later.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812  as everyone has it

import farmaner
from farmaner.integrations.spark import annotate

NOTES = Path(__file__).parent / "notes"
N_SHOWN = 10


def main() -> None:
    """Make a table of the notes, annotate it, and count the notes that name each code."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # the workers' Python: this one
    spark = SparkSession.builder.master("local[2]").appName("farmaner notes").getOrCreate()
    rows = [(path.stem, path.read_bytes().decode()) for path in sorted(NOTES.glob("*.txt"))]
    notes = spark.createDataFrame(rows, "id string, text string")

    annotated = annotate(notes, link=True).cache()
    n_failed = annotated.where("error is not null").count()
    print(f"{annotated.count()} notes, {n_failed} of them failed")

    entities = annotated.select("id", F.explode("entities").alias("entity"))
    by_code = entities.where("entity.code is not null").groupBy("entity.code")
    counted = by_code.agg(
        F.count_distinct("id").alias("notes"), F.min(F.lower("entity.text")).alias("name")
    )
    for row in counted.orderBy(F.desc("notes"), "code").limit(N_SHOWN).collect():
        print(f"{row.notes:3} {row.code:>12} {row.name}")
    spark.stop()


if __name__ == "__main__":
    try:
        main()
    except farmaner.FarmanerError as error:
        sys.exit(f"spark_notes: {error}")
