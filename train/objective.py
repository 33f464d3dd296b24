"""A network and a forward pass's rows to a summed loss and the weight it is divided by: one for text, one for labels.

Sums and weights are added over a whole batch before they are divided, so neither micro-batches nor the number of
processes can change a loss or a gradient.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .batches import Layout, Micro, collate
from .encoding import Row
from .loss import blocked_cross_entropy


@dataclass(frozen=True, slots=True, kw_only=True)
class CausalObjective:
    """Next-token prediction at supervised positions; a batch's weight is its number of supervised tokens."""

    layout: Layout
    """How rows are laid out."""
    pad: int
    """Token id that fills padding; never predicted."""
    is_linear: bool
    """Whether logits are hidden states times the output matrix, so that the blocked loss holds (self-checked)."""
    smoothing: float = 0.0
    """Label smoothing."""

    def learned(self, rows: Sequence[Row]) -> list[Row]:
        """The rows that have a target: all."""
        return list(rows)

    def weight(self, rows: Sequence[Row]) -> float:
        """Supervised tokens of the rows."""
        return float(sum(int(row.supervised[1:].sum()) for row in rows))

    def collate(self, rows: Sequence[Row], device: torch.device) -> Micro:
        """One forward pass."""
        return collate(rows, layout=self.layout, pad=self.pad, device=device)

    def loss_sum(self, network: Any, micro: Micro) -> Tensor:
        """Summed cross-entropy over the supervised tokens, in nats."""
        places = micro.labels != -100
        if not self.is_linear:
            logits = self.logits(network, micro).float()
            return F.cross_entropy(logits, micro.labels[places], reduction="sum", label_smoothing=self.smoothing)
        hidden = self._hidden(network, micro)
        matrix = network.get_output_embeddings().weight
        if torch.is_autocast_enabled(hidden.device.type):
            hidden = hidden.to(torch.get_autocast_dtype(hidden.device.type))
        return blocked_cross_entropy(hidden, matrix, micro.labels[places], smoothing=self.smoothing)

    def logits(self, network: Any, micro: Micro) -> Tensor:
        """Logits at the supervised positions (tokens, vocabulary)."""
        if self.is_linear:
            logits: Tensor = network.get_output_embeddings()(self._hidden(network, micro))
            return logits
        whole: Tensor = network(**micro.inputs, use_cache=False).logits
        return whole[micro.labels != -100]

    def _hidden(self, network: Any, micro: Micro) -> Tensor:
        """States that the output matrix turns into logits, at the supervised positions (tokens, width)."""
        return self.states(network, micro)[micro.labels != -100]

    def states(self, network: Any, micro: Micro) -> Tensor:
        """States behind the last layer (batch, tokens, width)."""
        model = network.get_base_model() if hasattr(network, "get_base_model") else network
        found: Tensor = model.base_model(**micro.inputs, use_cache=False)[0]
        return found

    def outcome(self, network: Any, micro: Micro) -> tuple[Tensor, float | None]:
        """Summed loss; no accuracy, since a text's loss says more."""
        return self.loss_sum(network, micro), None


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelObjective:
    """Classification by a label head; a batch's weight is the sum of its rows' class weights."""

    pad: int
    """Token id that fills padding."""
    class_weights: tuple[float, ...]
    """Weight of each class in the loss."""
    is_multi_label: bool
    """Whether each class is a yes or no of its own."""
    smoothing: float = 0.0
    """Label smoothing."""
    layout: Layout = "padded"
    """How rows are laid out."""
    first_position: int = 0
    """Number of a row's first position, for rows in one line."""

    def learned(self, rows: Sequence[Row]) -> list[Row]:
        """The rows that have a label: all but replay."""
        return [row for row in rows if not row.is_replay]

    def weight(self, rows: Sequence[Row]) -> float:
        """Summed class weights of the rows; for multi-label, rows × classes. A replay row counts 1."""
        return sum(map(self._row_weight, rows))

    def _row_weight(self, row: Row) -> float:
        if row.is_replay:
            return 1.0
        return float(len(self.class_weights)) if self.is_multi_label else self.class_weights[row.target[0]]

    def collate(self, rows: Sequence[Row], device: torch.device) -> Micro:
        """One forward pass."""
        return collate(rows, layout=self.layout, pad=self.pad, device=device, first=self.first_position)

    def loss_sum(self, network: Any, micro: Micro) -> Tensor:
        """Summed weighted cross-entropy, in nats."""
        logits = network(**micro.inputs).logits.float()
        return self._set_loss(logits, micro) if self.is_multi_label else self._class_loss(logits, micro)

    def outcome(self, network: Any, micro: Micro) -> tuple[Tensor, float | None]:
        """Summed loss, and the rows whose predicted label, or whole set of labels, is right."""
        logits = network(**micro.inputs).logits.float()
        if self.is_multi_label:
            right = ((logits > 0) == (self._indicators(micro, logits) > 0)).all(-1).sum()
            return self._set_loss(logits, micro), float(right)
        return self._class_loss(logits, micro), float((logits.argmax(-1) == self._targets(micro, logits)).sum())

    def _class_loss(self, logits: Tensor, micro: Micro) -> Tensor:
        target = self._targets(micro, logits)
        weights = torch.tensor(self.class_weights, device=logits.device)
        right = F.cross_entropy(logits, target, weight=weights, reduction="sum")
        if not self.smoothing:
            return right
        uniform = -(F.log_softmax(logits, -1).mean(-1) * weights[target]).sum()
        return (1 - self.smoothing) * right + self.smoothing * uniform

    def _set_loss(self, logits: Tensor, micro: Micro) -> Tensor:
        wanted = self._indicators(micro, logits)
        weights = torch.tensor(self.class_weights, device=logits.device)
        soft = wanted * (1 - self.smoothing) + self.smoothing / 2
        losses = F.binary_cross_entropy_with_logits(logits, soft, reduction="none")
        return (losses * torch.where(wanted > 0, weights, torch.ones_like(weights))).sum()

    def _targets(self, micro: Micro, logits: Tensor) -> Tensor:
        return torch.tensor([row.target[0] for row in micro.rows], device=logits.device)

    def _indicators(self, micro: Micro, logits: Tensor) -> Tensor:
        wanted = torch.zeros_like(logits)
        for number, row in enumerate(micro.rows):
            wanted[number, list(row.target)] = 1.0
        return wanted


Objective = CausalObjective | LabelObjective
