"""The page and the documentation: served from here, whole, and loading nothing from afar."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

PAGE = Path(str(resources.files("farmaner"))) / "service" / "page"


class Links(HTMLParser):
    """What a page links to or loads, and whether it has scripts or styles of its own."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.links |= {value for name in ("href", "src") if (value := given.get(name))}
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)
        self.inline += [name for name in given if name == "style" or name.startswith("on")]


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_loads_nothing_but_what_is_served_here(client: TestClient, path: str) -> None:
    page = client.get(path)
    links = Links(page.text)

    assert page.headers["content-type"].startswith("text/html")
    assert links.inline == []
    for link in links.links:
        if not link.startswith(("#", "data:")):
            assert "//" not in link
            assert client.get(f"/{link.removeprefix('.').lstrip('/')}").status_code == 200


@pytest.mark.parametrize("file", sorted(path.name for path in PAGE.iterdir() if path.is_file()))
def test_every_file_of_the_page_is_served_as_it_is(client: TestClient, file: str) -> None:
    answer = client.get("/" if file == "index.html" else f"/{file}")

    assert answer.content == (PAGE / file).read_bytes()
    assert "no-cache" in answer.headers["Cache-Control"]


def test_the_documentation_shows_every_path_with_its_examples(client: TestClient) -> None:
    page = client.get("/docs").text
    openapi = client.get("/openapi.json").json()

    for path, methods in openapi["paths"].items():
        for method in methods:
            assert f'id="{method.upper()}{path}"' in page
    assert "Niega alergia a penicilina" in page
    assert "&#34;documents&#34;" in page


def test_the_examples_of_the_interface_are_answered(client: TestClient) -> None:
    openapi = client.get("/openapi.json").json()
    asked = []
    for path, methods in openapi["paths"].items():
        body = methods.get("post", {}).get("requestBody")
        if body:
            name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            for example in openapi["components"]["schemas"][name]["examples"]:
                asked.append(path)
                assert client.post(path, json=example).status_code == 200

    assert asked == ["/v1/annotate", "/v1/annotate", "/api/process", "/api/process_bulk"]


def test_the_interface_names_the_one_error_body_for_every_failure(client: TestClient) -> None:
    openapi = client.get("/openapi.json").json()
    failures = {
        json.dumps(answer["content"]["application/json"]["schema"])
        for methods in openapi["paths"].values()
        for operation in methods.values()
        for status, answer in operation["responses"].items()
        if not re.fullmatch("2..", status)
    }
    assert failures == {'{"$ref": "#/components/schemas/ErrorOut"}'}
