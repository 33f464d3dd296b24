"""Parts of a text encode to the tokens of the whole, whatever it says; a tokenizer that might differ is not cut."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast
from tunegate.core.models import load_tokenizer
from tunegate.evaluate.scoring import cutting
from tunegate.evaluate.scoring.request import Request
from tunegate.evaluate.scoring.tokens import Encoder

END = "<|endoftext|>"
CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
SPACES = r"\s*[\r\n]+|\s+(?!\S)|\s+"
EXPRESSIONS = {
    "gpt-2": r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    "gpt-4": r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*"
    r"|\s*[\r\n]|\s+(?!\S)|\s+",
    "llama-3": rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{SPACES}",
    "qwen-2": rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n]*|{SPACES}",
    "qwen-3.5": rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*"
    rf"|{SPACES}",
    "gpt-4o": rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+{CONTRACTIONS}?"
    rf"|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*{CONTRACTIONS}?"
    rf"|\p{{N}}{{1,3}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{SPACES}",
    "tekken": rf"[^\r\n\p{{L}}\p{{N}}]?{UPPER}*{LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{UPPER}+{LOWER}*|\p{{N}}"
    rf"| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{SPACES}",
    "deepseek-3": r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"""
    rf"| ?[\p{{P}}\p{{S}}]+[\r\n]*|{SPACES}",
}
NASTY = [
    *(" ", "  ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u2003", "\u0085", " \n", "\n "),
    *("a", "Word", "USA", "don't", "'s", "'", "S", "\u017f", "'LL", "1", "12345", "²", ".", ",", "?!", "...", "/", "_"),
    *(
        "é",
        "e\u0301",
        "\u0308",
        "\u212a",
        "中文",
        "かな",
        "한",
        "\u1112\u1161",
        "नि",
        "😀",
        "\u200d",
        "👩\u200d👩",
        "\u200b",
    ),
    *(END, "<|endof", "text|>", "[MASK]", "|||", "▁", "Ġ"),
]
texts = st.lists(st.sampled_from(NASTY) | st.text(max_size=2), max_size=14).map("".join)
several = st.lists(texts, min_size=1, max_size=3)


def split(*expressions: str, behavior: str = "isolated", invert: bool = False) -> list[Any]:
    return [pre_tokenizers.Split(Regex(one), behavior=behavior, invert=invert) for one in expressions]


def bytes_only() -> Any:
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)


DEEPSEEK = (r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+", EXPRESSIONS["deepseek-3"])
PRE_TOKENIZERS: dict[str, Callable[[], list[Any]]] = {
    "gpt-2": lambda: [pre_tokenizers.ByteLevel(add_prefix_space=False)],
    "gpt-2, space before": lambda: [pre_tokenizers.ByteLevel(add_prefix_space=True)],
    "starcoder": lambda: [
        pre_tokenizers.Digits(individual_digits=True),
        pre_tokenizers.ByteLevel(add_prefix_space=True),
    ],
    "llama-3": lambda: [*split(EXPRESSIONS["llama-3"]), bytes_only()],
    "llama-3, inverted": lambda: [*split(EXPRESSIONS["llama-3"], behavior="removed", invert=True), bytes_only()],
    "gpt-4": lambda: [*split(EXPRESSIONS["gpt-4"]), bytes_only()],
    "gpt-4o": lambda: [*split(EXPRESSIONS["gpt-4o"]), bytes_only()],
    "qwen-2": lambda: [*split(EXPRESSIONS["qwen-2"]), bytes_only()],
    "deepseek-3": lambda: [*split(*DEEPSEEK), bytes_only()],
}
WHOLE: dict[str, Callable[[], list[Any]]] = {
    "letters": lambda: [*split(r"\p{L}+"), bytes_only()],
    "words with what follows": lambda: [*split(r"\S+\s?|\s+"), bytes_only()],
    "merged": lambda: [*split(EXPRESSIONS["llama-3"], behavior="merged_with_next"), bytes_only()],
    "bytes first": lambda: [bytes_only(), *split(EXPRESSIONS["gpt-2"])],
    "position behind": lambda: [*split(EXPRESSIONS["gpt-2"]), pre_tokenizers.Metaspace(prepend_scheme="first")],
}


@cache
def trained(pre_tokenizer: str, normalizer: str = "", first: bool = False, added: tuple[AddedToken, ...] = ()) -> Any:
    """A BPE tokenizer that has merged whatever its pre-tokenizer lets it merge, so that a lost border shows."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence({**PRE_TOKENIZERS, **WHOLE}[pre_tokenizer]())
    if normalizer:
        tokenizer.normalizer = normalizers.Sequence([getattr(normalizers, normalizer)()])
    tokenizer.decoder = decoders.ByteLevel()
    corpus = [a + b + c for a in NASTY[:-6] for b in (" ", "", "\n", "a") for c in ("a a", ". a", "Word 12", "'s \n\n")]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=700, initial_alphabet=alphabet, special_tokens=[END], show_progress=False)
    tokenizer.train_from_iterator(corpus, trainer)
    tokenizer.add_tokens(list(added))
    byte_level = processors.ByteLevel(trim_offsets=False)
    template = processors.TemplateProcessing(single=f"{END} $A", special_tokens=[(END, 0)])
    tokenizer.post_processor = processors.Sequence([byte_level, template]) if first else byte_level
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token=END, eos_token=END)


@cache
def encoders(tokenizer: Any) -> tuple[Encoder, Encoder]:
    """One that may cut, and one that does not."""
    cut, whole = Encoder(tokenizer, 1000), Encoder(tokenizer, 1000)
    whole.can_cut = False
    return cut, whole


def spaces(*counts: int) -> tuple[AddedToken, ...]:
    return tuple(AddedToken(" " * count, normalized=True) for count in counts)


TOKENIZERS = [
    *((name, "", first, ()) for name in PRE_TOKENIZERS for first in (False, True)),
    *(("gpt-2", form, False, spaces(2, 3, 7)) for form in ("NFC", "NFD", "NFKC", "NFKD")),
    ("llama-3", "NFC", True, (AddedToken("[MASK]"), AddedToken("|||", normalized=True), AddedToken(" ."))),
]


@given(several, several, st.sampled_from(TOKENIZERS))
def test_parts_have_the_tokens_of_the_whole(contexts: list[str], continuations: list[str], kind: Any) -> None:
    """Contexts with continuations, and whole texts, with and without special tokens before them."""
    cut, whole = encoders(trained(*kind))

    assert cut.can_cut
    assert_same(cut, whole, contexts, continuations)


@given(contexts=several, continuations=several)
@pytest.mark.parametrize("folder", ["tokenizers/gpt2", "tokenizers/gpt_neox_olmo", "models/stories260K"])
def test_so_it_is_with_real_tokenizers(
    folder: str, contexts: list[str], continuations: list[str], shared_data: Path
) -> None:
    """Of those only the one whose normalizer writes before a text is not cut."""
    cut, whole = encoders(real(shared_data / folder))

    assert cut.can_cut == (folder != "models/stories260K")
    assert_same(cut, whole, contexts, continuations)


@given(contexts=several, continuations=several)
def test_so_it_is_with_the_shipped_tokenizer(
    contexts: list[str], continuations: list[str], quickstart_base: Path
) -> None:
    """It has its beginning of text before each text."""
    cut, whole = encoders(real(quickstart_base))

    assert cut.can_cut
    assert_same(cut, whole, contexts, continuations)


@cache
def real(path: Path) -> Any:
    return load_tokenizer(path)


def assert_same(cut: Encoder, whole: Encoder, contexts: Iterable[str], continuations: Iterable[str]) -> None:
    asked = [
        Request(kind="loglikelihood", prompt=context, continuation=continuation, has_specials=stated)
        for context in contexts
        for continuation in continuations
        for stated in (None, False, True)
    ]
    assert cut.pairs(asked) == whole.pairs(asked)
    prompts = [context + continuation for context in contexts for continuation in continuations]
    assert cut.encode(prompts) == whole.encode(prompts)


@given(texts, st.sampled_from(list(EXPRESSIONS)))
def test_no_match_goes_past_a_place(text: str, name: str) -> None:
    """A known expression splits the two sides of every place as it splits the whole."""
    (step,) = split(EXPRESSIONS[name])

    assert cutting._cuts([json.loads(step.__getstate__())])
    for place in cutting.PLACE.finditer(text):
        pieces = [
            piece for side in (text[: place.end()], text[place.end() :]) for piece, _ in step.pre_tokenize_str(side)
        ]
        assert pieces == [piece for piece, _ in step.pre_tokenize_str(text)]


def change(step: str, value: Any) -> Any:
    tokenizer = trained("gpt-2")
    changed = PreTrainedTokenizerFast(tokenizer_object=Tokenizer.from_str(tokenizer.backend_tokenizer.to_str()))
    changed.bos_token = changed.eos_token = END
    setattr(changed.backend_tokenizer, step, value)
    return changed


class OwnCode(PreTrainedTokenizerFast):
    """May do anything to a text."""

    def _encode_plus(self, *arguments: Any, **options: Any) -> Any:
        return super()._encode_plus(*arguments, **options)


@pytest.mark.parametrize(
    "build",
    [
        *(lambda name=name: trained(name) for name in WHOLE),
        lambda: trained("gpt-2", added=(AddedToken("a b"),)),
        lambda: trained("gpt-2", added=(AddedToken("[X]", rstrip=True),)),
        lambda: trained("gpt-2", added=(AddedToken("[X]", lstrip=True),)),
        lambda: trained("gpt-2", added=(AddedToken("[X]", single_word=True),)),
        lambda: trained("gpt-2", normalizer="NFKC", added=(AddedToken("\uff41\u00a0b", normalized=True),)),
        lambda: change("normalizer", normalizers.Prepend("_")),
        lambda: change("normalizer", normalizers.Sequence([normalizers.NFC(), normalizers.Replace("  ", " ")])),
        lambda: change("pre_tokenizer", None),
        lambda: change("post_processor", processors.BertProcessing((END, 0), (END, 0))),
        lambda: change("post_processor", processors.TemplateProcessing(single=f"$A {END}", special_tokens=[(END, 0)])),
        lambda: change("model", models.BPE(dropout=0.5)),
        lambda: change("model", models.WordLevel({"a": 0}, unk_token="a")),
        lambda: OwnCode(tokenizer_object=trained("gpt-2").backend_tokenizer, bos_token=END, eos_token=END),
    ],
)
def test_what_is_not_known_is_not_cut(build: Callable[[], Any]) -> None:
    """One step that is not proved to keep to its side of a place, and texts stay whole."""
    assert cutting.can_cut(trained("gpt-2"), END)
    assert not cutting.can_cut(build(), END)


def test_a_prefix_that_could_be_cut_is_not() -> None:
    """Else a context that is half of it would be taken for a text without special tokens."""
    assert not cutting.can_cut(trained("gpt-2"), "begin here")


def test_characters_are_encoded_once(quickstart_base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Solved examples that prompts share, questions with several choices, and choices of several questions."""
    encoded: list[str] = []
    work = Encoder._encoded

    def spy(self: Encoder, parts: Iterable[Any]) -> Any:
        distinct = dict.fromkeys(parts)
        encoded.extend(text for text, _ in distinct)
        return work(self, distinct)

    monkeypatch.setattr(Encoder, "_encoded", spy)
    examples = "".join(f"Question: what is {n} and {n}?\nAnswer: {2 * n}\n\n" for n in range(20))
    questions = [f"Question: what is {n} and 1?\nAnswer:" for n in range(30)]
    choices = [" one", " two", " many"]
    asked = [
        Request(kind="loglikelihood", prompt=examples + question, continuation=choice)
        for question in questions
        for choice in choices
    ]
    Encoder(load_tokenizer(quickstart_base), 4000).pairs(asked)

    own = [question.removeprefix("Question:").removesuffix(" 1?\nAnswer:") for question in questions]
    assert sum(map(len, encoded)) == len("".join([examples, "Question:", *own, " 1?\nAnswer:", *choices]))
