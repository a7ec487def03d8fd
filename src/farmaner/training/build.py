"""Building a model by its recipe: one command, step by step, each done once (see `steps`).

pretraining     the encoder reads the unlabelled text, without what overlaps with dev
twin/model      fitted on train alone: the model that dev may judge
twin/export     ONNX in 8 bits, as it ships
twin/score      the exported twin on dev: scores, the temperature, reliability
final/…         the same on train and dev: the model that ships
…/folder        what goes to models/bundled, with the twin's temperature

With distillation there come before a side's model its base, which students and teachers may go on
from, its teachers (`teachers/N`), and what they say of the unlabelled text (`answers-N`), all
fitted on the same gold; after it may come the mean of students and teachers (`averaged`). Both
sides are fitted by the same settings for all their epochs: dev chooses none.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farmaner.document import Document
from farmaner.encoders import ModelSettings
from farmaner.encoders.folder import LEXICON_FILE, ONNX_FILES, SETTINGS_FILE, TOKENIZER_FILE
from farmaner.evaluation.official import score_ner
from farmaner.formats.brat import read_brat, read_brat_folders
from farmaner.formats.files import write_text
from farmaner.recognizer import load
from farmaner.training.config import TrainingConfig
from farmaner.training.distill import Distillation, distill
from farmaner.training.recipe import BASE, Recipe
from farmaner.training.steps import ShowLine, Step, Steps, open_steps, show_line

SHIPPED = (SETTINGS_FILE, TOKENIZER_FILE, "config.json", ONNX_FILES["onnx-int8"])
"""What a model folder needs to annotate and to be trained on; the card comes to it by hand."""

EXPORT_FILE = "export.json"
TEMPERATURE_FILE = "calibration.json"
SCORE_FILE = "score.json"
CARD_FILE = "score.md"
FIGURE_FILE = "reliability.png"

_WORK = ".work"

Gold = tuple[Path, ...]
"""Annotated folders."""


@dataclass(frozen=True, slots=True)
class Built:
    """The folder that ships, that of the twin fitted on train alone, and the twin's scores."""

    final: Path
    twin: Path
    score: Path


@dataclass(frozen=True, slots=True)
class _Build:
    recipe: Recipe
    steps: Steps
    encoder: Step | str


def build_model(recipe: Recipe, *, output: Path, show: ShowLine = show_line) -> Built:
    """Build the model of a recipe in `output`, or go on with it.

    Raises what the steps raise: see `pretrain`, `train`, `distill`, `export` and `calibrate`.
    """
    with open_steps(output.resolve(), show=show) as steps:
        encoder = _pretrain(recipe, steps)
        build = _Build(recipe, steps, encoder)
        twin = _export(build, "twin", _fit(build, "twin", recipe.train))
        score = steps.run(
            "twin/score",
            {"model": twin, "dev": recipe.dev, "calibrate": recipe.calibrate},
            lambda folder: _score(twin.folder, recipe, folder),
        )
        twin = _folder(build, "twin", twin, score)
        final = _export(build, "final", _fit(build, "final", (*recipe.train, recipe.dev)))
        final = _folder(build, "final", final, score)
    return Built(final.folder, twin.folder, score.folder)


def _pretrain(recipe: Recipe, steps: Steps) -> Step | str:
    config = recipe.pretraining
    if config is None:
        return recipe.training.encoder

    def work(folder: Path) -> None:
        from farmaner.training.pretrain import SUMMARY_FILE, pretrain
        from farmaner.training.texts import read_source_texts

        if (folder / SUMMARY_FILE).is_file():
            return
        pretrain(
            config,
            read_source_texts(recipe.texts),
            output=folder,
            kept_out=[document.text for document in read_brat(recipe.dev, missing_ann_ok=True)],
            resume=True,
            show=lambda progress: steps.show(f"step {progress.step}/{progress.steps}"),
        )

    inputs = {
        "settings": _settings(config, config.encoder),
        "texts": recipe.texts,
        "kept_out": recipe.dev,
    }
    return steps.run("pretraining", inputs, work, resumable=True)


def _settings(config: Any, encoder: Step | str) -> dict[str, Any]:
    """Return settings as a step's input; the encoder counts by its content where it is here."""
    here = isinstance(encoder, str) and Path(encoder).is_dir()
    settings = (
        config.as_input() if isinstance(config, TrainingConfig) else dataclasses.asdict(config)
    )
    return {**settings, "encoder": Path(str(encoder)) if here else encoder}


def _fit(build: _Build, side: str, gold: Gold) -> Step:
    """Return the fitted model of a side, distilled where the recipe says so."""
    recipe = build.recipe
    if recipe.distillation is None:
        return _train(build, f"{side}/model", recipe.training, build.encoder, gold)
    start, students, base = build.encoder, recipe.students, []
    if not students:
        students = (recipe.training,)
    else:
        start = _train(build, f"{side}/base", recipe.training, build.encoder, gold)
        base.append(start)
    encoders = {recipe.training.encoder: build.encoder, BASE: start}
    teachers = [
        _train(
            build,
            f"{side}/teachers/{number}",
            config,
            encoders.get(config.encoder, config.encoder),
            gold,
        )
        for number, config in enumerate(recipe.teachers, 1)
    ]
    job = Distillation(
        recipe.distillation,
        tuple(_with_encoder(student, start) for student in students),
        (*base, *teachers),
        gold,
        recipe.texts,
        kept_out=recipe.dev,
        dev=recipe.dev if side == "twin" else None,
    )
    own = [_settings(student, start) for student in students]
    models = distill(job, build.steps, f"{side}/", own)
    models += [teachers[number - 1] for number in recipe.averaged]
    if len(models) == 1:
        return models[0]
    return build.steps.run(
        f"{side}/averaged",
        {"models": models},
        lambda folder: _average([one.folder for one in models], folder),
    )


def _average(models: list[Path], folder: Path) -> None:
    from farmaner.training.average import average_weights

    average_weights(models, folder)


def _train(
    build: _Build, place: str, config: TrainingConfig, encoder: Step | str, gold: Gold
) -> Step:
    """Return a model fitted for all its epochs."""

    def work(folder: Path) -> None:
        from farmaner.training.fitting import fit

        fit(
            _with_encoder(config, encoder),
            read_brat_folders(gold),
            [],
            folder,
            show=lambda epoch: build.steps.show(epoch.summary()),
        )

    inputs = {"settings": _settings(config, encoder), "train": gold}
    return build.steps.run(place, inputs, work, resumable=True)


def _with_encoder(config: TrainingConfig, encoder: Step | str) -> TrainingConfig:
    name = encoder if isinstance(encoder, str) else str(encoder.folder)
    return dataclasses.replace(config, encoder=name)


def _export(build: _Build, side: str, model: Step) -> Step:
    """Return the exported model: what ships of it, and how many entities of dev differ."""

    def work(folder: Path) -> None:
        from farmaner.training.export import export

        made = folder / _WORK
        shutil.copytree(model.folder, made)
        result = export(made, read_brat(build.recipe.dev, missing_ann_ok=True))
        content = {
            "largest_difference": result.largest_difference,
            "compared": [dataclasses.asdict(one) for one in result.comparisons],
        }
        _copy_shipped(made, folder)
        write_text(folder / EXPORT_FILE, json.dumps(content, indent=2) + "\n")
        shutil.rmtree(made)

    return build.steps.run(f"{side}/export", {"model": model, "texts": build.recipe.dev}, work)


def _copy_shipped(source: Path, target: Path) -> None:
    lexicon = [LEXICON_FILE] if (source / LEXICON_FILE).is_file() else []
    for name in (*SHIPPED, *lexicon):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source / name, target / name)


def _folder(build: _Build, side: str, model: Step, score: Step) -> Step:
    """Return the folder that can be put into models/bundled as it is."""

    def work(folder: Path) -> None:
        _copy_shipped(model.folder, folder)
        settings = dataclasses.replace(ModelSettings.read(folder), name=build.recipe.name)
        calibration = score.folder / TEMPERATURE_FILE
        if calibration.is_file():
            temperature = json.loads(calibration.read_text(encoding="utf-8"))["temperature"]
            settings = dataclasses.replace(settings, temperature=temperature)
        settings.write(folder)

    inputs = {"model": model, "score": score, "name": build.recipe.name}
    return build.steps.run(f"{side}/folder", inputs, work)


def _score(model: Path, recipe: Recipe, folder: Path) -> None:
    """Write what the model card needs to say: scores on dev, the temperature, reliability."""
    documents = read_brat(recipe.dev)
    score = score_ner(documents, list(load(model).recognize_documents(documents)))
    write_text(
        folder / SCORE_FILE, json.dumps(score.as_dict(), ensure_ascii=False, indent=2) + "\n"
    )
    lines = ["| label | P | R | F1 | TP | FP | FN |", "|---|--:|--:|--:|--:|--:|--:|"]
    for label, counts in {**score.by_label, "**all**": score.micro}.items():
        figures = (counts.precision, counts.recall, counts.f1)
        numbers = (counts.true_positives, counts.false_positives, counts.false_negatives)
        cells = [*(f"{100 * figure:.2f}" for figure in figures), *map(str, numbers)]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    text = "\n".join(lines) + "\n"
    if recipe.calibrate:
        text += "\n" + _calibrate(model, documents, folder)
    write_text(folder / CARD_FILE, text)


def _calibrate(model: Path, documents: list[Document], folder: Path) -> str:
    """Write the temperature and the reliability figure; return the reliability as a table."""
    from farmaner.training.calibration import calibrate, reliability_table
    from farmaner.training.curves import draw_reliability

    result = calibrate(model, documents)
    content = {
        "temperature": result.temperature,
        "n_documents": result.n_documents,
        "n_entities": sum(bin_.n_entities for bin_ in result.before.bins),
        "expected_calibration_error": {
            "before": result.before.expected_calibration_error,
            "after": result.after.expected_calibration_error,
        },
    }
    write_text(folder / TEMPERATURE_FILE, json.dumps(content, indent=2) + "\n")
    draw_reliability(result.before, result.after, folder / FIGURE_FILE)
    return reliability_table(result.before, result.after)
