r"""Texts to parts that are encoded one by one to the tokens of the whole, where a tokenizer's own rules prove that.

A text is cut only between a printable ASCII character that is no space and a space (written `x| ` below). That no token
ever crosses `x| `, and that neither side changes the other, follows from each step of a `tokenizers` pipeline alone:

* added tokens: none of theirs holds an `x `, eats spaces beside it or asks what stands beside it;
* normalizer: a Unicode normal form, which is what it is of the parts, since neither character of `x| ` ever composes;
* pre-tokenizer: every alternative of its expression takes a space as the first character of a match or among spaces
  only, so no attempt to match ever gets past an `x| `; each has no look-behind, and looks ahead only behind spaces, so
  what was matched before does not depend on the rest. One that ends in `\s+` begins a match at every `x| ` left over;
* model: BPE without dropout encodes each of these matches by itself;
* post-processor: puts special tokens before a text, and none behind.

Where one of these is not known of a tokenizer, texts stay whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from unicodedata import normalize

PLACE = re.compile(r"[!-~](?= )")
"""Ends where a text may be cut."""
PARAGRAPH = re.compile(r"\n\n(?:(?!\n\n).)*?[!-~](?= )", re.DOTALL)
"""Ends at the first such place in a paragraph: solved examples, which many prompts hold, are paragraphs."""
NORMAL_FORMS = {"NFC", "NFD", "NFKC", "NFKD"}
CONTRACTIONS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")
LAST = r"\s+"
GPT_2 = (*CONTRACTIONS, r" ?\p{L}+", r" ?\p{N}+", r" ?[^\s\p{L}\p{N}]+", r"\s+(?!\S)", LAST)
LETTERS_OF_A_CASE = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+",
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*",
)
KNOWN = (
    *GPT_2,
    *(r"'(?i:[sdmt]|ll|ve|re)", r"[^\r\n\p{L}\p{N}]?+\p{L}+", r" ?[^\s\p{L}\p{N}]++[\r\n]*", r"\s*[\r\n]"),  # GPT-4
    *(f"(?i:{'|'.join(CONTRACTIONS)})", r"[^\r\n\p{L}\p{N}]?\p{L}+", r"\p{N}{1,3}", r"\s*[\r\n]+"),  # Llama 3
    *(r"\p{N}", r" ?[^\s\p{L}\p{N}]+[\r\n]*"),  # Qwen 2
    *(r"[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+", r" ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*"),  # Qwen 3.5
    *(*LETTERS_OF_A_CASE, r" ?[^\s\p{L}\p{N}]+[\r\n/]*"),  # Mistral's Tekken
    *(f"{letters}(?i:{'|'.join(CONTRACTIONS)})?" for letters in LETTERS_OF_A_CASE),  # GPT-4o
    *(r"[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+", r" ?[\p{P}\p{S}]+[\r\n]*"),  # DeepSeek 3, with these:
    *(r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+""", "[一-龥\u3040-ゟ゠-ヿ]+"),
)
"""Alternatives of which the above holds, read one by one."""
_ONE_OF_THEM = "|".join(map(re.escape, sorted(KNOWN, key=len, reverse=True)))
_EXPRESSION = re.compile(rf"(?:{_ONE_OF_THEM})(?:\|(?:{_ONE_OF_THEM}))*")

ENCODING = ("__call__", "_encode_plus", "_batch_encode_plus")
"""Methods by which transformers hands texts to `tokenizers`; one of a tokenizer's own may do anything to a text."""


def can_cut(tokenizer: Any, prefix: str) -> bool:
    """Whether the parts of a text give the tokens of the whole; `prefix` is what special tokens are recognised by."""
    from transformers import PreTrainedTokenizerFast

    if not isinstance(tokenizer, PreTrainedTokenizerFast) or any(
        getattr(type(tokenizer), name, None) is not getattr(PreTrainedTokenizerFast, name, None) for name in ENCODING
    ):
        return False
    backend = tokenizer.backend_tokenizer
    added = backend.get_added_tokens_decoder().values()
    return (
        type(backend.model).__name__ == "BPE"
        and not backend.model.dropout
        and not any(PLACE.search(normalize("NFKD", text)) for text in (prefix, *(token.content for token in added)))
        and not any(token.lstrip or token.rstrip or token.single_word for token in added)
        and all(step["type"] in NORMAL_FORMS for step in _steps(backend.normalizer, "normalizers"))
        and _cuts(_steps(backend.pre_tokenizer, "pretokenizers"))
        and all(map(_adds_before, _steps(backend.post_processor, "processors")))
    )


def is_place(before: str, after: str) -> bool:
    """Whether a text may be cut between these two parts of it."""
    return PLACE.match(before[-1:] + after[:1]) is not None


def paragraphs(text: str) -> list[str]:
    """A text cut once in each of its paragraphs but the first."""
    ends = [match.end() for match in PARAGRAPH.finditer(text)]
    return [text[begin:end] for begin, end in zip([0, *ends], [*ends, len(text)], strict=True)]


def cut_last(text: str) -> list[str]:
    """A text cut at its last possible place; whole where there is none."""
    end = len(text)
    while (end := text.rfind(" ", 0, end)) > 0:
        if PLACE.match(text, end - 1):
            return [text[:end], text[end:]]
    return [text]


def _steps(component: Any, name: str) -> list[dict[str, Any]]:
    """The states of a component's steps, in order; none without one."""
    return [] if component is None else _flat(json.loads(component.__getstate__()), name)


def _flat(state: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [step for inner in state[name] for step in _flat(inner, name)] if state["type"] == "Sequence" else [state]


def _cuts(steps: Iterable[Mapping[str, Any]]) -> bool:
    """Whether pre-tokenization cuts at every place: a step does, and no step before or behind looks at what is beside.

    ByteLevel rewrites spaces, so that behind it no expression would mean what is proved of it.
    """
    done = False
    for step in steps:
        expression = _EXPRESSION.fullmatch(_expression(step))
        if not done and not expression and step["type"] != "Digits":
            return False
        done = done or (expression is not None and _expression(step).endswith(f"|{LAST}"))
        if done and step["type"] not in {"Split", "Digits", "ByteLevel"}:
            return False
    return done


def _expression(step: Mapping[str, Any]) -> str:
    """What a step splits by; empty where it splits by nothing, or otherwise than into matches and what is between."""
    if step["type"] == "ByteLevel" and step["use_regex"]:
        return "|".join(GPT_2)
    if step["type"] == "Split" and (step["behavior"], step["invert"]) in {("Isolated", False), ("Removed", True)}:
        return str(step["pattern"].get("Regex", ""))
    return ""


def _adds_before(step: Mapping[str, Any]) -> bool:
    """Whether a step of the post-processor leaves the tokens as they are, but for special ones before the text."""
    if step["type"] == "TemplateProcessing":
        return ["Sequence" in piece for piece in step["single"]].count(True) == 1 and "Sequence" in step["single"][-1]
    return bool(step["type"] == "ByteLevel")
