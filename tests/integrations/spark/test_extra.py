"""Spark is an extra: nothing of it is loaded before it is asked for, and a missing one is named."""

from __future__ import annotations

import subprocess
import sys

import pytest

from farmaner.errors import MissingExtraError
from farmaner.integrations.spark import __main__ as command
from farmaner.integrations.spark import annotate


def test_importing_the_integration_loads_neither_spark_nor_a_runtime() -> None:
    code = """if True:
        import sys
        import farmaner.integrations.spark

        heavy = "pandas pyarrow pyspark py4j onnxruntime torch transformers typer".split()
        sys.exit(", ".join(name for name in heavy if name in sys.modules))
    """
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


@pytest.mark.parametrize("package", ["pyarrow", "pyspark.sql"])
def test_what_is_missing_is_named_with_the_line_that_installs_it(
    package: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    message = f'{package.split(".")[0]} is not installed; run: pip install "farmaner[spark]"'

    with pytest.raises(MissingExtraError) as missing:
        annotate(None)  # type: ignore[arg-type]
    assert str(missing.value) == message
    assert command.run_command(["notas.parquet", "salida"]) == 1
    assert capsys.readouterr().err == f"farmaner: {message}\n"


def test_wrong_usage_is_code_2() -> None:
    assert command.run_command(["notas.parquet"]) == 2
