"""General texts to how far an encoder's features turned away from the base's: what a label head can forget.

A label head writes nothing, so there are no old answers to rehearse. Its encoder is held near the base's features
instead (feature distillation: Hinton et al. 2015, Romero et al. 2015), on texts of the old distribution.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F

from .batches import Micro
from .encoding import Row
from .step import Penalty, Session


def make_drift(session: Session, rows: Sequence[Row]) -> Penalty:
    """A function of a forward pass of `rows`: its summed 1 − cosine between features then and now.

    Call it while the network is still the base, whose features are kept: one vector a row.
    """
    kept = _keep_features(session, rows)

    def drift(micro: Micro) -> torch.Tensor:
        base = torch.stack([kept[row.origin] for row in micro.rows])
        return (1 - F.cosine_similarity(features(session.network, micro), base, dim=-1)).sum()

    return drift


def features(network: Any, micro: Micro) -> torch.Tensor:
    """The mean of each row's token states behind the last layer (rows, width), float32."""
    model = network.get_base_model() if hasattr(network, "get_base_model") else network
    states: torch.Tensor = model.base_model(**micro.inputs)[0].float()
    lengths = torch.tensor([len(row) for row in micro.rows], device=states.device)[:, None]
    is_token = torch.arange(states.shape[1], device=states.device)[None] < lengths
    mean: torch.Tensor = (states * is_token[..., None]).sum(1) / lengths
    return mean


@torch.no_grad()
def _keep_features(session: Session, rows: Sequence[Row]) -> dict[str, torch.Tensor]:
    session.network.eval()
    kept: dict[str, torch.Tensor] = {}
    for group in session.micros(rows):
        micro = session.objective.collate(group, session.place.device)
        with session.place.autocast():
            found = features(session.network, micro)
        kept |= {row.origin: vector for row, vector in zip(group, found, strict=True)}
    return kept
