"""The house stands as drawn: public names, floors, light imports, pinned dependencies."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from packaging.requirements import Requirement

import farmaner
from farmaner.recognizer import bundled_model

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
TRAINING_ONLY = ["accelerate", "matplotlib", "onnx", "safetensors", "torch", "transformers"]


def test_the_public_namespace_is_sorted_and_complete() -> None:
    public = {
        name
        for name, value in vars(farmaner).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert farmaner.__all__ == sorted(public)


def test_every_public_name_says_what_it_is() -> None:
    assert [name for name in farmaner.__all__ if not getattr(farmaner, name).__doc__] == []


def loaded_by(code: str, among: list[str]) -> list[str]:
    """Run code in a fresh interpreter; return which of the modules it has loaded at the end."""
    report = f"\nimport sys\nprint(*(name for name in {among!r} if name in sys.modules))"
    command = [sys.executable, "-c", textwrap.dedent(code) + report]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[-2].split()


def test_the_probe_sees_what_code_loads() -> None:
    assert loaded_by("import json", ["json", "torch"]) == ["json"]


def test_importing_farmaner_loads_nothing_heavy() -> None:
    heavy = [*TRAINING_ONLY, "onnxruntime", "rich", "typer"]
    assert loaded_by("import farmaner", heavy) == []


def test_recognizing_with_a_model_folder_loads_neither_torch_nor_transformers() -> None:
    code = """
        import farmaner
        from farmaner.recognizer import bundled_model

        document = farmaner.load(bundled_model()).recognize("Niega alergia a penicilina.")
        assert [entity.text for entity in document.entities] == ["penicilina"]
    """
    assert loaded_by(code, [*TRAINING_ONLY, "onnxruntime"]) == ["onnxruntime"]


def test_annotating_from_the_command_line_loads_neither_torch_nor_transformers() -> None:
    notes = ROOT / "examples" / "notes" / "alergias-enfermeria.txt"
    code = f"""
        from farmaner.cli import run

        assert run(["annotate", {str(notes)!r}]) == 0
    """
    assert loaded_by(code, [*TRAINING_ONLY, "onnxruntime"]) == ["onnxruntime"]


def test_converting_plain_formats_loads_no_library_of_an_extra() -> None:
    notes = ROOT / "examples" / "notes"
    code = f"""
        import tempfile
        from farmaner.cli import run

        with tempfile.TemporaryDirectory() as folder:
            assert run(["convert", {str(notes)!r}, f"{{folder}}/a.conll"]) == 0
    """
    assert loaded_by(code, ["bioc", "cassis", "fhir", "lxml", "onnxruntime", "spacy"]) == []


def test_annotating_leaves_nothing_in_the_users_home(tmp_path: Path) -> None:
    """ONNX Runtime would: an id of the device, and what it means to report to its makers."""
    note = ROOT / "examples" / "notes" / "alergias-enfermeria.txt"
    told = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run(
        [sys.executable, "-B", "-m", "farmaner", "annotate", str(note)],
        env=told | {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")},
        stdout=subprocess.DEVNULL,
        check=True,
    )
    assert list(tmp_path.rglob("*")) == []


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the package and of the contracts that a test may break."""
    leave_out = shutil.ignore_patterns("__pycache__", "models")
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=leave_out)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint_imports(house: Path) -> tuple[int, str]:
    """Return the exit code and the output of import-linter over a copy of the house."""
    command = "from importlinter.cli import lint_imports_command as run; run()"
    done = subprocess.run(
        [sys.executable, "-c", command, "--no-cache"],
        cwd=house,
        env=os.environ | {"PYTHONPATH": str(house / "src"), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_imports_run_downward_only(house: Path) -> None:
    code, output = lint_imports(house)
    assert (code, "0 broken" in output) == (0, True), output


@pytest.mark.parametrize(
    ("module", "line", "broken"),
    [
        ("text/sentences.py", "from farmaner.recognizer import load", "downward"),
        ("recognizer.py", "from farmaner.training.config import TrainingConfig", "downward"),
        ("formats/ann.py", "from farmaner.corpus import check_corpus", "downward"),
        ("recognizer.py", "import torch", "torch"),
        ("cli/annotate.py", "from transformers import pipeline", "torch"),
        ("attic.py", "", "downward"),
    ],
)
def test_a_forbidden_import_or_a_room_on_no_floor_is_refused(
    house: Path, module: str, line: str, broken: str
) -> None:
    with (house / "src" / "farmaner" / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")

    code, output = lint_imports(house)

    verdicts = [row for row in output.splitlines() if " BROKEN" in row]
    assert code == 1, output
    assert broken in " ".join(verdicts), output


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    settings: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project: dict[str, Any] = settings["project"]
    return project


def test_every_direct_dependency_has_one_pin_in_its_range_for_every_python(
    project: dict[str, Any],
) -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [Requirement(line) for line in lines if line and not line.startswith("#")]
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    for wanted in (Requirement(line) for group in groups for line in group):
        for version in ("3.10", "3.11", "3.12", "3.13"):
            here = [
                pin
                for pin in pins
                if pin.name == wanted.name
                and (pin.marker is None or pin.marker.evaluate({"python_version": version}))
            ]
            assert len(here) == 1, f"{wanted.name} on Python {version}: {len(here)} pins"
            (pin,) = here[0].specifier
            assert pin.operator == "=="
            assert wanted.specifier.contains(pin.version), f"{wanted} against {pin}"


def test_torch_is_pinned_to_exactly_the_version_with_a_cpu_build_at_hand() -> None:
    assert "torch==2.13.0" in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()


def test_the_bundled_model_is_whole_and_no_more_than_annotating_needs() -> None:
    folder = bundled_model()
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "README.md",
        "config.json",
        "farmaner.json",
        "lexicon.txt",
        "onnx/model_int8.onnx",
        "tokenizer.json",
    }
    assert json.loads((folder / "farmaner.json").read_text(encoding="utf-8"))["labels"]
