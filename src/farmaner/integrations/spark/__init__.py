"""Spark: a column of texts to a column of entities, and a job from Parquet to Parquet.

frame       a DataFrame with `entities` and `error`: the driver's side
worker      Arrow columns to Arrow columns: what a Python worker does
storage     files wherever Hadoop finds them
parts       what a job is and how its input is cut, on disk
job         all parts, those that are done passed over
__main__    the job's command line

Needs the extra `spark`: pip install "farmaner[spark]".
"""

from farmaner.integrations.spark.frame import annotate

__all__ = ["annotate"]
