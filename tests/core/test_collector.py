"""The garbage collector rests while much is made, and is afterwards as it was."""

from __future__ import annotations

import gc

import pytest
from tunegate.core import collector
from tunegate.core.collector import collector_at_rest, own_process


@pytest.mark.parametrize(("is_own", "importing", "spared"), [(True, True, 1), (True, False, 0), (False, True, 0)])
def test_only_a_process_of_ours_spares_what_imports_left(
    is_own: bool, importing: bool, spared: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a user's process nothing is frozen, since what the user made before would never be found again."""
    monkeypatch.setattr(collector, "_is_own_process", False)
    if is_own:
        own_process()
    before = gc.get_freeze_count()
    try:
        with collector_at_rest(importing=importing):
            pass
        assert min(gc.get_freeze_count() - before, 1) == spared
        assert gc.isenabled()
    finally:
        gc.unfreeze()
