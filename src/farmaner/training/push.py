"""Upload a model folder to the hub: the model and its card, and nothing of its training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi, constants, get_token

from farmaner.encoders.folder import CARD_FILE, model_files
from farmaner.errors import HubError
from farmaner.training.card import model_card
from farmaner.training.source import hub_answers


@dataclass(frozen=True, slots=True)
class Upload:
    """The files that go to the hub, by their names there: where each lies, or its bytes."""

    files: dict[str, Path | bytes]

    def sizes(self) -> dict[str, int]:
        """Return how many bytes each file has."""
        return {
            name: len(file) if isinstance(file, bytes) else file.stat().st_size
            for name, file in self.files.items()
        }


def plan_upload(folder: Path, *, license: str | None = None) -> Upload:  # noqa: A002
    """Return what of a model folder is uploaded.

    Checkpoints, settings and figures of its training stay here: they name documents. A card that
    lies in the folder goes along as it is; where none does one is made.
    """
    files: dict[str, Path | bytes] = {name: folder / name for name in model_files(folder)}
    if CARD_FILE not in files:
        files[CARD_FILE] = model_card(folder, license=license).encode()
    return Upload(files)


def push(upload: Upload, repository: str, *, private: bool = False) -> str:
    """Upload to a repository of the hub, made if there is none, and return its address.

    HubError where there is no token, no network, or the hub refuses.
    """
    if get_token() is None:
        raise HubError(
            f"{repository}: expected a token of the hub, found none; run: hf auth login, or set "
            "HF_TOKEN"
        )
    if not hub_answers():
        raise HubError(f"{constants.ENDPOINT}: expected an answer of the hub, found none")
    api = HfApi()
    try:
        made = api.create_repo(repository, private=private, exist_ok=True)
        operations = [CommitOperationAdd(name, file) for name, file in upload.files.items()]
        api.create_commit(made.repo_id, operations, commit_message="Upload a model of farmaner")
    except Exception as error:  # the client's own, and those of the HTTP library that it has
        found = " ".join(str(error).split())[:200] or type(error).__name__
        raise HubError(
            f"{repository}: expected the hub to take the model, found: {found}"
        ) from error
    return str(made)
