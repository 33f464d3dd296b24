"""The settings of curation: every threshold that a rule uses, and what becomes of the rows that it finds."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from ..core.config import Config

RuleAction = Literal["drop", "flag", "redact", "off"]
"""What becomes of a row that a rule found something in; `redact` only for private data and secrets."""

ConflictPolicy = Literal["flag", "drop-all", "majority"]
"""What becomes of the rows of a label conflict."""


class DedupConfig(Config):
    """Exact and near-duplicates."""

    threshold: float = Field(default=0.8, gt=0, le=1)
    """True Jaccard similarity of the shingle sets from which on two rows are near-duplicates."""
    shingle: str = "word:2"
    """What is compared: `word:N` runs of N folded words, `char:N` runs of N folded characters."""
    key: Literal["auto", "input", "target", "whole"] = "auto"
    """Text that must be alike: the input, the target, or both; auto: the input for labels, else the whole row."""
    exact: bool = False
    """Find every pair by an exact join instead of by MinHash bands: recall 1, slower on long or repetitive texts."""
    permutations: int = Field(default=128, ge=16, le=1024)
    """MinHash permutations."""
    recall: float = Field(default=0.99, gt=0.5, lt=1)
    """Share of the pairs exactly at the threshold that the bands must propose; every proposed pair is verified."""
    survivor: str = "quality"
    """Which row of a cluster stays: `quality` (fewest findings, then longest), `longest`, `newest(COLUMN)`, `first`."""
    keep_columns: tuple[str, ...] = ()
    """Compare only rows that are equal in these columns of the input, such as language or source."""
    template_share: float = Field(default=0.02, gt=0, le=1)
    """Lines, or openings and closings of 8 words, that this share of the inputs have in common are not compared."""

    @field_validator("shingle")
    @classmethod
    def _is_shingle(cls, value: str) -> str:
        if not re.fullmatch(r"(word:[1-9]|char:[2-8])", value):
            raise ValueError("must be word:1 to word:9 or char:2 to char:8")
        return value

    @field_validator("survivor")
    @classmethod
    def _is_survivor(cls, value: str) -> str:
        if not re.fullmatch(r"quality|longest|first|newest\(.+\)", value):
            raise ValueError("must be quality, longest, newest(COLUMN) or first")
        return value


class ConflictConfig(Config):
    """The same or nearly the same input with different labels."""

    same: ConflictPolicy = "flag"
    """Same folded input, different labels: only flag, drop every member, or drop all but the majority's label."""
    near: ConflictPolicy = "flag"
    """Near-duplicate inputs, different labels: only flag, drop every member, or drop the side with fewer like rows."""


class LeakageConfig(Config):
    """Training rows that also occur in the test split or in a benchmark."""

    threshold: float = Field(default=0.7, gt=0, le=1)
    """Jaccard similarity of character 5-grams from which on a row is a near copy of a test row."""
    guard: bool = True
    """Let near copies pass that differ in a number or swap a content word (france for japan): another question."""
    ngram: int = Field(default=13, ge=3, le=50)
    """Words in a run that counts as a copied passage of a benchmark item."""
    containment: float = Field(default=0.5, gt=0, le=1)
    """Share of a benchmark question's or answer's words that must stand in such runs of a row."""
    similarity: Literal["off", "flag", "drop"] = "off"
    """Also look for rephrased items by a mean of TF-IDF and Jaccard scores, corrected for hubs (CSLS)."""
    similarity_threshold: float = Field(default=0.3, ge=-1, le=2)
    """CSLS score from which on a row counts as a rephrased item; on GSM8K one decoy in 1,000 scores as high."""
    compare_numbers: bool = True
    """In the similarity search, reward shared numbers: right for maths word problems, wrong for code or facts."""


class QualityConfig(Config):
    """Thresholds of the rules that look at one row."""

    placeholders: tuple[str, ...] = ()
    """More whole texts that count as a placeholder, such as `see above`."""
    max_tokens: int | None = Field(default=None, ge=1)
    """Tokens a row may have; none: not checked unless a tokenizer's own window is known."""
    length_deviations: float = Field(default=6.0, gt=0)
    """Robust deviations (of log length, within the class) from which on a length is an outlier."""
    repetition_share: float = Field(default=0.5, gt=0, le=1)
    """Share of repeated 4-word runs in an answer of 100 words or more that counts as a loop."""
    labels: tuple[str, ...] = ()
    """The label schema; none: every label that occurs is allowed."""
    rare_label: int = Field(default=3, ge=1)
    """A label with at most this many rows that looks like a frequent one is a near-miss of it."""
    outlier_deviations: float = Field(default=6.0, gt=0)
    """Robust deviations of the distance to the class's centre from which on a row is an outlier."""


class LabelErrorConfig(Config):
    """Ranking of probable label errors (kind `label`); to drop them does not settle, as models are fitted anew."""

    folds: int = Field(default=5, ge=2, le=20)
    """Cross-validation folds; classes with fewer rows are left out of the judgement and reported."""
    neighbours: int = Field(default=20, ge=1)
    """Nearest neighbours that vote."""
    probes: int = Field(default=4, ge=0, le=20)
    """Draws of planted errors that tell how many rows to flag and how many are right; 0: confident learning flags."""
    logistic: bool = False
    """Add logistic regression to the ensemble: the best ranking, several times slower."""
    svm: bool = False
    """Add a linear support vector machine to the ensemble: slower, a little better on many classes."""
    max_rows: int = Field(default=50_000, ge=1)
    """Larger data is not searched for label errors unless this is raised: about 1 s per 1,000 rows."""
    embeddings: str | None = None
    """Local folder of a text encoder whose embeddings replace the TF-IDF space of the neighbours."""


class CapConfig(Config):
    """An upper limit on the rows per class or per source."""

    per: str | None = None
    """`label`, or a column of the input; none: no cap."""
    rows: int = Field(default=1000, ge=1)
    """Rows that stay for each value."""
    seed: int = 0
    """Seed of the choice."""


class CurateConfig(Config):
    """Curation as a whole."""

    rules: dict[str, RuleAction] = Field(default_factory=dict)
    """Action per rule id, where it is to differ from the rule's default: `{empty-target: flag, url-only: off}`."""
    dedup: DedupConfig = DedupConfig()
    """Exact and near-duplicates."""
    conflicts: ConflictConfig = ConflictConfig()
    """Same input, different labels."""
    leakage: LeakageConfig = LeakageConfig()
    """Test and benchmark rows in the training data."""
    quality: QualityConfig = QualityConfig()
    """Rules that look at one row."""
    label_errors: LabelErrorConfig = LabelErrorConfig()
    """Probable label errors."""
    cap: CapConfig = CapConfig()
    """Upper limit per class or source."""
    class_loss_warning: float = Field(default=0.3, gt=0, le=1)
    """Warn when one rule drops more than this share of a class."""
