"""Model cards: what a model is, how it was made and what it scores, as the hub reads them.

A card is made of what lies in the model's folder. It counts documents and names none, and it has
no path of this machine in it.
"""

from __future__ import annotations

import json
import re
from importlib import resources
from pathlib import Path
from typing import Any

from huggingface_hub import EvalResult, ModelCard, ModelCardData

from farmaner.encoders.folder import WEIGHTS_FILE, ModelSettings
from farmaner.errors import ConfigError, FormatError
from farmaner.training.adopt import ADOPTED_FILE
from farmaner.training.loop import SUMMARY_FILE
from farmaner.training.run import CONFIG_FILE
from farmaner.training.source import BUNDLED

_TAGS = ["farmaner", "named-entity-recognition", "clinical", "biomedical"]
_METRICS = {"f1": "F1", "precision": "Precision", "recall": "Recall"}
_HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[\w.-]+)?")
_SETTINGS = ("epochs", "batch_size", "accumulation", "learning_rate", "dropout", "seed")


def model_card(
    folder: Path,
    *,
    license: str | None = None,  # noqa: A002  the hub's word
    base_model: str | None = None,
    scores: Path | None = None,
    dataset: str = "Development documents",
) -> str:
    """Return the card of a model folder, Markdown under a YAML head.

    The figures are those of the training's dev documents, or of `scores`, what `farmaner evaluate
    ner --json` printed of one system; `dataset` names what they were measured on. The base model
    is the encoder that was fitted, where it has a name on the hub.

    Raises ModelError where the folder is no model, FormatError where `scores` is something else.
    """
    model = ModelSettings.read(folder)
    training, summary = _read(folder / CONFIG_FILE), _read(folder / SUMMARY_FILE)
    began = training.get("encoder") or _read(folder / ADOPTED_FILE).get("checkpoint")
    base_model = base_model or _hub_name(began)
    figures = _figures(scores) if scores is not None else summary.get("dev")
    has_weights = (folder / WEIGHTS_FILE).is_file()
    data = ModelCardData(
        language="es",
        license=license,
        library_name="transformers" if has_weights else None,
        pipeline_tag="token-classification",
        tags=_TAGS,
        base_model=base_model,
        model_name=model.name,
        eval_results=_results(figures, dataset) if figures else None,
    )
    template = resources.files("farmaner") / "training" / "templates" / "card.md"
    card = ModelCard.from_template(
        data,
        template_str=template.read_text(encoding="utf-8"),
        name=model.name,
        labels=_listed([f"`{label}`" for label in model.labels]),
        has_weights=has_weights,
        max_pieces=model.max_pieces,
        base="the model that comes with farmaner" if began == BUNDLED else base_model,
        tags=[f"`{tag}`" for tag in model.tagging_scheme().tags],
        scheme=model.scheme,
        coverage=summary.get("coverage"),
        settings=_listed([f"{n} {training[n]}" for n in _SETTINGS if n in training], ""),
        temperature=model.temperature,
        figures=figures,
        rows=[] if not figures else [*figures["labels"].items(), ("**all**", figures["micro"])],
        dataset=dataset,
        chosen_on=scores is None,
        license=license,
    )
    return f"{card}\n"


def _read(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def _hub_name(encoder: str | None) -> str | None:
    """Return an encoder's name where it is one of the hub's, and no folder's."""
    if encoder is None or encoder == BUNDLED or Path(encoder).exists():
        return None
    return encoder if _HUB_NAME.fullmatch(encoder) else None


def _figures(path: Path) -> dict[str, Any]:
    expected = "what `farmaner evaluate ner --json` prints of one system"
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: expected a readable file, found: {error.strerror}") from None
    except ValueError:
        raise FormatError(path, None, expected, "something else") from None
    systems = report.get("systems") if isinstance(report, dict) else None
    if not isinstance(systems, list) or report.get("task") != "ner":
        raise FormatError(path, None, expected, "something else")
    if len(systems) != 1:
        raise FormatError(path, None, expected, f"{len(systems)} systems")
    figures: dict[str, Any] = systems[0]
    return figures


def _results(figures: dict[str, Any], dataset: str) -> list[EvalResult]:
    return [
        EvalResult(
            task_type="token-classification",
            task_name="Named entity recognition",
            dataset_type=re.sub(r"\W+", "-", dataset.lower()).strip("-"),
            dataset_name=dataset,
            metric_type=metric,
            metric_name=f"{name} (exact match, micro, {figures['rules']} rules)",
            metric_value=round(figures["micro"][metric], 4),
        )
        for metric, name in _METRICS.items()
    ]


def _listed(parts: list[str], last: str = " and ") -> str:
    if last and len(parts) > 1:
        return f"{', '.join(parts[:-1])}{last}{parts[-1]}"
    return ", ".join(parts)
