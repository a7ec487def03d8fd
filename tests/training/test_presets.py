"""The shipped configs: exactly what the paper's Table 1 says, and what they say of themselves."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from farmaner.training.config import TrainingConfig, read_config
from farmaner.training.plan import read_experiment
from farmaner.training.search import Search, read_search

CONFIGS = Path(__file__).parents[2] / "configs"

PAPER = TrainingConfig(
    encoder="bert-base-multilingual-cased",
    scheme="paper",
    labels=("NORMALIZABLES", "NO_NORMALIZABLES", "PROTEINAS"),
    max_pieces=128,
    batch_size=32,
    eval_batch_size=8,
    learning_rate=2e-5,
    epochs=100,
    warmup=0.1,
    dropout=0.1,
    weight_decay=0.01,
    max_gradient_norm=1.0,
    accumulation=1,
    precision="auto",
    patience=0,
    seed=13,
)

SHORT: dict[str, object] = {"epochs": 6, "batch_size": 16, "learning_rate": 2e-4}
"""What the experiments on small encoders change, for a CPU's sake."""


def test_the_paper_s_presets_are_its_table_1() -> None:
    assert read_config(CONFIGS / "paper-mbert.toml") == PAPER
    assert read_config(CONFIGS / "paper-biobert.toml") == replace(
        PAPER, encoder="dmis-lab/biobert-base-cased-v1.1"
    )


def test_dev_and_test_windows_of_the_paper_s_presets_come_in_batches_of_eight() -> None:
    assert PAPER.eval_batch_pieces == 8 * 128


@pytest.mark.parametrize(
    ("name", "encoder"),
    [
        ("small-multilingual", "intfloat/multilingual-e5-small"),
        ("small-english", "sentence-transformers/all-MiniLM-L6-v2"),
    ],
)
def test_the_small_presets_differ_from_the_paper_s_in_encoder_and_learning_rate(
    name: str, encoder: str
) -> None:
    small = asdict(read_config(CONFIGS / f"{name}.toml"))
    paper = asdict(PAPER)
    assert {key: small[key] for key in small if small[key] != paper[key]} == {
        "encoder": encoder,
        "learning_rate": 1e-4,
    }


def test_the_paper_s_grid_has_36_points_around_its_own_settings() -> None:
    search = read_search(CONFIGS / "paper-grid.toml")
    space = {
        "batch_size": (8, 16, 32),
        "learning_rate": (1e-5, 2e-5, 3e-5),
        "epochs": (10, 50, 100, 200),
    }
    assert search == Search(base=search.base, space=space, sampler="grid", trials=36)
    assert search.config({"batch_size": 32, "learning_rate": 2e-5, "epochs": 100}) == PAPER


@pytest.mark.parametrize(
    ("name", "systems", "settings"),
    [
        (
            "table2",
            {"multilingual BERT": "paper-mbert.toml", "BioBERT": "paper-biobert.toml"},
            {},
        ),
        (
            "table2-small",
            {
                "small-multilingual": "small-multilingual.toml",
                "small-english": "small-english.toml",
            },
            SHORT,
        ),
    ],
)
def test_the_experiments_name_their_systems_and_what_they_change(
    name: str, systems: dict[str, str], settings: dict[str, object]
) -> None:
    plan = read_experiment(CONFIGS / f"{name}.toml")
    assert {system.name: system.config.name for system in plan.systems} == systems
    assert (plan.seeds, plan.settings, plan.test) == ((13, 14, 15), settings, None)
    for system in plan.systems:
        assert system.setting(plan.settings) == read_config(system.config, **settings)


def test_the_ablation_s_systems_differ_in_one_switch_each() -> None:
    plan = read_experiment(CONFIGS / "ablation.toml", lexicons={"lexicon": "terms.tsv"})
    short = {"epochs": 2, "batch_size": 16, "learning_rate": 1e-4}
    plain = read_config(CONFIGS / "small-multilingual.toml", **short)
    assert (plan.seeds, plan.test) == ((13,), None)
    assert {system.name: system.setting(plan.settings) for system in plan.systems} == {
        "plain": plain,
        "sentences": replace(plain, context="sentences"),
        "document": replace(plain, context="document"),
        "lexicon": replace(plain, lexicon="terms.tsv"),
    }
