"""`farmaner serve`: what its options and variables make of the service."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import farmaner
from farmaner.cli import run
from farmaner.service import Settings, model_version
from farmaner.testing import fake_recognizer

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Put a fake in the place of every model and of the server; returns what would be served."""
    served: list[dict[str, Any]] = []

    def load(model: Path | None, **settings: Any) -> farmaner.Recognizer:
        served.append({"model": model, **settings})
        return fake_recognizer()

    def serve(app: Any, **settings: Any) -> None:
        served[-1].update(service=app.state.service, **settings)

    monkeypatch.setattr("farmaner.recognizer.load", load)
    monkeypatch.setattr("farmaner.service.run", serve)
    monkeypatch.setattr("farmaner.service.model_version", lambda *_: "1a2b3c")
    return served


def test_without_options_it_serves_the_bundled_model_to_this_machine(served: Any) -> None:
    assert run(["serve"]) == 0
    [told] = served
    service = told.pop("service")

    assert told == {"model": None, "threads": None, "host": "127.0.0.1", "port": 8000}
    assert service.settings == Settings()
    assert (service.name, service.version, service.terms is None) == ("fake", "1a2b3c", False)
    assert service.terms.of("387517004") == "paracetamol"


def test_options_are_the_settings(served: Any) -> None:
    options = {
        "--host": "0.0.0.0",  # noqa: S104  nothing listens
        "--port": "80",
        "--model": "carpeta",
        "--threads": "2",
        "--token": "llave-de-prueba",
        "--cors-origin": "https://portal.example",
        "--max-body-bytes": "1000",
        "--max-chars": "100",
        "--max-documents": "10",
        "--timeout-seconds": "2.5",
        "--max-queue-pieces": "500",
    }
    assert run(["serve", *(part for option in options.items() for part in option)]) == 0
    [told] = served

    assert told.pop("service").settings == EXPECTED
    assert told == {"model": Path("carpeta"), "threads": 2, "host": "0.0.0.0", "port": 80}  # noqa: S104


EXPECTED = Settings(
    max_body_bytes=1000,
    max_chars=100,
    max_documents=10,
    timeout_seconds=2.5,
    max_queue_pieces=500,
    token="llave-de-prueba",  # noqa: S106  opens nothing
    cors_origins=("https://portal.example",),
)


def test_variables_of_the_environment_are_the_settings_too(
    served: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = {
        "TOKEN": "llave-de-prueba",
        "CORS_ORIGIN": "https://portal.example",
        "MAX_BODY_BYTES": "1000",
        "MAX_CHARS": "100",
        "MAX_DOCUMENTS": "10",
        "TIMEOUT_SECONDS": "2.5",
        "MAX_QUEUE_PIECES": "500",
        "PORT": "81",
    }
    for name, value in variables.items():
        monkeypatch.setenv(f"FARMANER_{name}", value)
    assert run(["serve"]) == 0

    assert served[0]["service"].settings == EXPECTED
    assert served[0]["port"] == 81


def test_a_missing_extra_is_named_with_the_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.setitem(sys.modules, "fastapi", None)

    assert run(["serve"]) == 1
    assert capsys.readouterr().err == (
        'farmaner: fastapi is not installed; run: pip install "farmaner[serve]"\n'
    )


@pytest.mark.parametrize(
    ("option", "variable"), [(["--token", "corta"], None), (["--token", ""], None), ([], "")]
)
def test_a_token_that_cannot_be_is_one_line_and_never_no_token(
    served: Any,
    capsys: Captured,
    monkeypatch: pytest.MonkeyPatch,
    option: list[str],
    variable: str | None,
) -> None:
    if variable is not None:
        monkeypatch.setenv("FARMANER_TOKEN", variable)
    assert run(["serve", *option]) == 1
    assert capsys.readouterr().err == (
        "farmaner: token: expected 8 ASCII characters or more, found another\n"
    )


def test_a_models_version_is_that_of_its_files(tmp_path: Path) -> None:
    for name in ("farmaner.json", "tokenizer.json", "model.safetensors"):
        (tmp_path / name).write_bytes(b"a")
    version = model_version(tmp_path, "torch")
    (tmp_path / "README.md").write_text("No answer depends on it.")

    assert len(version) == 12
    assert model_version(tmp_path, "torch") == version
    (tmp_path / "tokenizer.json").write_bytes(b"b")
    assert model_version(tmp_path, "torch") != version


def test_serving_loads_neither_torch_nor_transformers() -> None:
    code = (
        "import sys; import farmaner.service; "
        "print(sorted({'torch', 'transformers', 'fastapi'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['fastapi']\n"
