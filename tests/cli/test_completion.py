"""What a shell is offered on Tab: by the protocol of each, and in bash itself."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest

from farmaner.cli import run
from farmaner.formats.table import FORMATS
from farmaner.tagging.schemes import SchemeName
from farmaner.training.config import Precision

READABLE = [one.name for one in FORMATS if one.read]


def offered(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> list[str]:
    """Return what bash is offered for the last of the words, which may be empty."""
    monkeypatch.setenv("_FARMANER_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    assert run([]) == 0
    return capsys.readouterr().out.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("farmaner an", ["annotate", "analyze"]),
        ("farmaner evaluate ", ["ner", "indexing"]),
        ("farmaner terminology se", ["search"]),
        ("farmaner annotate --te", ["--text-column", "--terminology"]),
        ("farmaner annotate --backend ", ["auto", "onnx-int8", "onnx", "torch"]),
        ("farmaner annotate notas/ --format p", ["parquet"]),
        ("farmaner evaluate ner --rules st", ["strict", "standalone"]),
        ("farmaner train --scheme ", list(get_args(SchemeName))),
        ("farmaner train --precision ", list(get_args(Precision))),
        ("farmaner train --encoder b", ["bundled"]),
        ("farmaner convert --from ", READABLE),
        ("farmaner convert --to ", [one.name for one in FORMATS]),
        ("farmaner terminology build --hierarchy ", ["substance", "product", "all"]),
    ],
)
def test_commands_options_and_choices_are_completed(
    words: str,
    expected: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert offered(words, monkeypatch, capsys) == expected


@pytest.mark.parametrize(
    "words", ["farmaner annotate no", "farmaner annotate -o ", "farmaner train --encoder ./enc"]
)
def test_nothing_is_offered_where_the_shell_has_to_offer_paths(
    words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert offered(words, monkeypatch, capsys) == []


def test_zsh_is_told_what_commands_do_or_to_offer_files(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_FARMANER_COMPLETE", "complete_zsh")

    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "farmaner evaluate n")
    assert run([]) == 0
    said = '"Score entities\\\\: label, start and end must all agree (subtrack 1)."'
    assert capsys.readouterr().out == f"""_arguments '*: :(("ner":{said}))'\n"""

    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "farmaner annotate ")
    assert run([]) == 0
    assert capsys.readouterr().out == "_files\n"


def test_fish_is_told_what_commands_do_or_to_offer_files(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_FARMANER_COMPLETE", "complete_fish")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "farmaner convert --from doc")
    assert run([]) == 0
    assert capsys.readouterr().out == "docbin\ndoccano\n"

    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "is-args")
    assert run([]) == 0
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "farmaner annotate ")
    assert run([]) == 1


def test_completing_loads_nothing_heavy() -> None:
    heavy = "accelerate fastapi onnxruntime optuna pyarrow rich scipy spacy torch transformers"
    code = f"""
import sys
from farmaner.cli import run
assert run([]) == 0
print(*(name for name in {heavy.split()!r} if name in sys.modules), file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ
        | {
            "_FARMANER_COMPLETE": "complete_bash",
            "COMP_WORDS": "farmaner convert --from br",
            "COMP_CWORD": "3",
        },
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert (done.stdout, done.stderr) == ("brat\n", "\n")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell_asks_farmaner(
    shell: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_FARMANER_COMPLETE", f"source_{shell}")
    assert run([]) == 0
    script = capsys.readouterr().out.strip()
    assert f"_FARMANER_COMPLETE=complete_{shell}" in script
    begins = {"bash": "_farmaner_completion()", "zsh": "#compdef farmaner", "fish": "complete "}
    assert script.startswith(begins[shell])


def test_bash_completes_once_it_is_installed(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash on the path")
    (tmp_path / "notas").mkdir()
    (tmp_path / "bin").mkdir()
    farmaner = tmp_path / "bin" / "farmaner"
    farmaner.write_text(f'#!/bin/sh\nexec {sys.executable} -m farmaner "$@"\n', "utf-8")
    farmaner.chmod(0o755)
    session = """
farmaner --install-completion
. "$HOME/.bashrc"
complete -p farmaner
COMP_WORDS=(farmaner corpus ch); COMP_CWORD=2
_farmaner_completion farmaner
echo "${COMPREPLY[@]}"
exit 0
"""
    done = subprocess.run(
        [bash, "--norc", "-c", session],
        cwd=tmp_path,
        env=os.environ
        | {"HOME": str(tmp_path), "PATH": f"{farmaner.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *_, how, completed = done.stdout.splitlines()
    assert how == "complete -o default -F _farmaner_completion farmaner"  # default: paths
    assert completed == "check"
