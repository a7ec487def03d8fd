"""Tiny random encoders of every family, with tokenizers trained on the spot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from farmaner.document import Document
from farmaner.formats.brat import read_brat, write_brat

if TYPE_CHECKING:
    from tokenizers import Tokenizer

torch = pytest.importorskip("torch", reason="needs the extra `train` (torch)")
pytest.importorskip("transformers", reason="needs the extra `train` (transformers)")

torch.set_num_threads(1)  # encoders this small only lose by sharing their work

NOTES = Path(__file__).parents[2] / "examples" / "notes"


@pytest.fixture(scope="session")
def notes() -> list[Document]:
    return read_brat(NOTES)


@pytest.fixture(scope="session")
def encoder_folder(
    notes: list[Document], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], str]:
    """Return a function from a family's name to the folder of a tiny encoder of it."""
    made: dict[str, str] = {}

    def folder(family: str) -> str:
        if family not in made:
            path = tmp_path_factory.mktemp(family)
            _write_encoder(path, family, [note.text for note in notes])
            made[family] = str(path)
        return made[family]

    return folder


@pytest.fixture(scope="session")
def masked_encoder(
    encoder_folder: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], str]:
    """Return a function from a family's name to its tiny encoder, whose tokenizer has a mask."""
    made: dict[str, str] = {}

    def folder(family: str) -> str:
        from transformers import AutoModel, AutoTokenizer

        if family not in made:
            path = tmp_path_factory.mktemp(f"{family}-masked")
            tokenizer = AutoTokenizer.from_pretrained(encoder_folder(family))
            tokenizer.add_special_tokens({"mask_token": "<mask>"})
            model = AutoModel.from_pretrained(encoder_folder(family))
            torch.manual_seed(5)
            model.resize_token_embeddings(len(tokenizer))
            model.save_pretrained(path)
            tokenizer.save_pretrained(path)
            made[family] = str(path)
        return made[family]

    return folder


def _write_encoder(folder: Path, family: str, texts: list[str]) -> None:
    from transformers import AutoConfig, AutoModel, PreTrainedTokenizerFast

    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"] if family == "bert" else _XLMR_NAMES
    pad, unk, cls, sep = names
    tokenizer = _tokenizer(family, texts, names)
    wrapped = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer, pad_token=pad, unk_token=unk, cls_token=cls, sep_token=sep
    )
    wrapped.save_pretrained(folder)
    torch.manual_seed(5)
    config = AutoConfig.for_model(
        family,
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=130,
        pad_token_id=tokenizer.token_to_id(pad),
        bos_token_id=tokenizer.token_to_id(cls),
        eos_token_id=tokenizer.token_to_id(sep),
    )
    model = AutoModel.from_config(config)  # type: ignore[no-untyped-call]
    model.save_pretrained(folder)


_XLMR_NAMES = ["<pad>", "<unk>", "<s>", "</s>"]


def _tokenizer(family: str, texts: list[str], names: list[str]) -> Tokenizer:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers

    trainer: Any

    if family == "bert":
        tokenizer = Tokenizer(models.WordPiece(unk_token=names[1]))
        tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(
            vocab_size=600, special_tokens=names, show_progress=False
        )
    elif family == "roberta":
        tokenizer = Tokenizer(models.BPE(unk_token=names[1]))
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        trainer = trainers.BpeTrainer(
            vocab_size=600,
            special_tokens=names,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
    else:
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.normalizer = normalizers.NFKC()
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=600, special_tokens=names, unk_token=names[1], show_progress=False
        )
    tokenizer.train_from_iterator(texts, trainer)
    cls, sep = ((name, names.index(name)) for name in names[2:])  # trained in this order
    if family == "roberta":
        tokenizer.post_processor = processors.RobertaProcessing(sep, cls, add_prefix_space=True)
    else:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{cls[0]} $A {sep[0]}", special_tokens=[cls, sep]
        )
    return tokenizer


@pytest.fixture(scope="session")
def splits(notes: list[Document], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return brat folders of a few notes each: train, dev and test."""
    folder = tmp_path_factory.mktemp("splits")
    parts = {"train": notes[:10], "dev": notes[10:14], "test": notes[14:18]}
    for name, part in parts.items():
        write_brat(part, folder / name)
    return {name: folder / name for name in parts}
