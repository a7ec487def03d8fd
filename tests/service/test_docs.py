"""What docs/service.md says is so."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.main import get_command

from farmaner import load
from farmaner.cli import app
from farmaner.linking import Linker
from farmaner.linking.build import load_terminology
from farmaner.recognizer import bundled_model
from farmaner.service import create_app, model_version
from farmaner.service.errors import STATUS

GUIDE = (Path(__file__).parents[2] / "docs" / "service.md").read_text(encoding="utf-8")


def test_the_example_is_answered_as_shown() -> None:
    shown = re.search(r"^\$ curl \S+?(/v1/\S+) --json '(.+)'\n(.+)$", GUIDE, re.MULTILINE)
    assert shown
    recognizer = load()
    service = create_app(
        recognizer,
        linker=Linker(load_terminology()),
        model_version=model_version(bundled_model(), recognizer.backend),
    )
    with TestClient(service) as client:
        answer = client.post(shown[1], json=json.loads(shown[2]))
    pattern = re.escape(shown[3]).replace(re.escape("..."), "[^,]+?")  # what differs by edition
    assert re.fullmatch(pattern, answer.text), answer.text


def test_every_error_is_told_with_its_status() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \| (`\w+`(?:, `\w+`)*) \|", GUIDE, re.MULTILINE)
    told = {
        name: int(status)
        for statuses, names in rows
        for status, name in zip(
            statuses.split(", ") * names.count("`"), re.findall(r"`(\w+)`", names)
        )
    }
    assert told == {name: status for name, status in STATUS.items() if name != "abandoned"}


def options() -> dict[str, Any]:
    command = get_command(app).commands["serve"]  # type: ignore[attr-defined]
    return {option.opts[0]: option for option in command.params}


def test_every_option_is_told_with_its_default_and_has_its_variable() -> None:
    told: dict[str, str] = {}
    for names, values in re.findall(r"^\| (`--[^|]+) \| ([^|]+) \|", GUIDE, re.MULTILINE):
        found = re.findall(r"--[\w-]+", names)
        told |= dict(zip(found, values.replace(", ", ";").split(";") * len(found)))

    assert set(told) == set(options())
    for name, option in options().items():
        assert option.envvar == f"FARMANER_{name.removeprefix('--').replace('-', '_').upper()}"
        if isinstance(option.default, (int, float)):
            assert float(told[name].replace(",", "")) == option.default


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(?:GET |POST )?(/[\w/]*\w)`", GUIDE))))
def test_every_path_that_is_told_is_there(client: TestClient, path: str) -> None:
    if path not in ("/v1", "/api"):
        assert client.get(path).status_code != 404
