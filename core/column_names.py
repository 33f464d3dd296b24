"""Column names that datasets use, and what they mean; all in lower case, as names are compared."""

from __future__ import annotations

TEXT_TIERS = (
    ("text",),
    (
        *("sentence", "utterance", "body", "content", "query", "question", "message", "review", "tweet", "comment"),
        *("document", "article", "description", "abstract", "post", "email", "passage", "input", "headline"),
    ),
    ("title", "subject", "name"),
)
"""Names of the text to be labelled; a later tier counts only where the earlier ones have none."""

LABEL_TIERS = (
    ("label_text", "label_name"),
    ("label",),
    ("labels", "intent", "category", "target", "class", "sentiment", "emotion", "topic", "tag", "gold_label", "gold"),
    ("label_id", "label_idx", "class_id", "y"),
)
"""Names of the label; words before numbers, so that a model learns to write words."""

TEXT_PAIRS = (
    *(("premise", "hypothesis"), ("sentence1", "sentence2"), ("question1", "question2"), ("text1", "text2")),
    *(("sentence_1", "sentence_2"), ("question_1", "question_2"), ("text_1", "text_2"), ("text", "text_pair")),
    *(("sentence_a", "sentence_b"), ("text_a", "text_b"), ("claim", "evidence"), ("question", "sentence")),
    *(("question", "passage"), ("question", "context"), ("question", "document"), ("query", "passage")),
    *(("query", "document"), ("query", "text")),
)
"""Names of two texts that are labelled together; a pair without `text` counts only where there is no column `text`."""

PROMPT_PAIRS = (
    *(("prompt", "completion"), ("prompt", "response"), ("prompt", "output"), ("prompt", "answer")),
    *(("instruction", "output"), ("instruction", "response"), ("instruction", "completion"), ("instruction", "answer")),
    *(("question", "answer"), ("question", "response"), ("question", "solution"), ("problem", "solution")),
    *(("problem", "answer"), ("query", "response"), ("query", "answer"), ("input", "output"), ("input", "response")),
    *(("input", "completion"), ("source", "target"), ("document", "summary"), ("article", "highlights")),
    *(("text", "summary"), ("dialogue", "summary")),
)
"""Names of a prompt and its answer."""

PROMPT_CONTEXTS = {"instruction": ("input", "context")}
"""A second column that belongs to the prompt, after it."""

PREFERENCE_PROMPTS = ("prompt", "question", "instruction", "input")

CHAT_NAMES = ("messages", "conversations", "conversation", "dialog", "dialogue")

TOOL_NAMES = ("tools", "functions")
"""Names of the tools that a chat may call."""
