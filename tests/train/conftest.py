"""Small real models and data for the trainer's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

WORDS = {
    "refund": ["I want my money back", "please refund me", "you still owe me for the order"],
    "login": ["I cannot log in", "the password is lost", "my account is locked"],
    "delivery": ["where is my parcel", "the order is late", "it has not arrived"],
}
OPENINGS = ["hi", "hello", "please", "sorry but", "urgent"]


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def labelled() -> list[dict[str, str]]:
    """45 short messages with three labels, every one different."""
    return [
        {"text": f"{opening} {text}", "label": label}
        for label, texts in WORDS.items()
        for text in texts
        for opening in OPENINGS
    ]


@pytest.fixture(scope="session")
def completions() -> list[dict[str, str]]:
    """24 prompts of unlike length with their answers."""
    return [
        {"prompt": "count " + " ".join(map(str, range(n % 7 + 1))), "completion": f"{n % 7 + 1} numbers, case {n}"}
        for n in range(24)
    ]


@pytest.fixture(scope="session")
def small_bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A randomly initialised two-layer BERT without a head, with a word tokenizer that tells text pairs apart."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("models") / "bert"
    words = sorted({word for texts in WORDS.values() for text in texts for word in text.split()} | set(OPENINGS))
    vocabulary = {word: n for n, word in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "but", *words])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=32,
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
        pad_token_id=0,
        initializer_range=0.15,  # wide enough to learn within a few steps
    )
    BertModel(config).save_pretrained(folder)
    return folder
