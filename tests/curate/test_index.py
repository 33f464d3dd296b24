"""The laws of the index on disk and of the export to datasketch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from datasketch import MinHash
from tunegate.core.errors import DataError, IntegrityError
from tunegate.curate.config import DedupConfig
from tunegate.curate.duplicates.datasketch_export import datasketch_index, minhash_signatures, shingle_numbers
from tunegate.curate.duplicates.index import append_to_index, create_index, search_index
from tunegate.curate.duplicates.near_duplicates import cross_duplicates

CONFIG = DedupConfig(threshold=0.6, shingle="word:1", recall=0.999)
OLD = ["where is my card", "my card has not arrived yet", "Größe ändern", "close the account", ":)", ""]
NEW = ["WHERE is my card?", "my card has still not arrived yet", "open an account", "größe ändern!", ":)"]


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """An index of OLD, appended in two steps."""
    path = tmp_path / "seen"
    create_index(path, config=CONFIG)
    append_to_index(path, OLD[:2], ["a", "b"], config=CONFIG)
    append_to_index(path, OLD[2:], ["c", "d", "e", "f"], config=CONFIG)
    return path


def test_search_finds_what_a_comparison_of_both_lists_finds(index: Path) -> None:
    """The index holds all that is needed: same pairs, same true similarities, with the ids given."""
    found = search_index(index, NEW, config=CONFIG)
    pairs, jaccard = cross_duplicates(NEW, OLD, config=CONFIG)

    assert found.pairs.tolist() == pairs.tolist() == [[0, 0], [1, 1], [3, 2], [4, 4]]
    assert found.jaccard.tolist() == jaccard.tolist() == [1.0, 6 / 7, 1.0, 1.0]
    assert found.ids == ["a", "b", "c", "e"]


def test_appending_in_steps_equals_appending_at_once(index: Path, tmp_path: Path) -> None:
    """How an index grew does not show in what it finds."""
    create_index(tmp_path / "once", config=CONFIG)

    assert append_to_index(tmp_path / "once", OLD, list("abcdef"), config=CONFIG) == 6
    one, two = search_index(index, NEW, config=CONFIG), search_index(tmp_path / "once", NEW, config=CONFIG)
    assert (one.pairs.tolist(), one.ids) == (two.pairs.tolist(), two.ids)


def test_an_append_that_was_killed_leaves_the_index_as_it_was(index: Path) -> None:
    """A segment that the header does not name yet is no part of the index, and the next append replaces it."""
    before = search_index(index, NEW, config=CONFIG).ids
    (index / "segment-00002").mkdir()
    (index / "segment-00002" / "keys.npy").write_bytes(b"half")

    assert search_index(index, NEW, config=CONFIG).ids == before
    assert append_to_index(index, ["open an account"], ["g"], config=CONFIG) == 7
    assert search_index(index, NEW, config=CONFIG).ids == ["a", "b", "g", "c", "e"]


@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "header"])
def test_a_damaged_index_is_refused(index: Path, damage: str) -> None:
    """A changed, cut or missing file is found by its checksum before anything is answered."""
    file = index / "segment-00001" / "shingles.npy"
    content = file.read_bytes()
    if damage == "header":
        header = json.loads((index / "index.json").read_text())
        header["segments"][0]["rows"] = 3
        (index / "index.json").write_text(json.dumps(header))
    elif damage == "remove":
        file.unlink()
    else:
        file.write_bytes(content[:-8] if damage == "cut" else content[:-1] + bytes([content[-1] ^ 1]))

    with pytest.raises(IntegrityError, match="build the index anew"):
        search_index(index, NEW, config=CONFIG)


def test_a_foreign_index_is_refused_with_a_remedy(index: Path, tmp_path: Path) -> None:
    """Other settings, another version, another kind of folder, a path in use: each says what to do."""
    with pytest.raises(DataError, match="use the same"):
        search_index(index, NEW, config=DedupConfig(shingle="word:3"))
    with pytest.raises(DataError, match="create one first"):
        append_to_index(tmp_path / "none", ["x"], ["1"], config=CONFIG)
    with pytest.raises(DataError, match="choose another path"):
        create_index(index, config=CONFIG)
    with pytest.raises(DataError, match="one id per text"):
        append_to_index(index, ["x"], [], config=CONFIG)
    header = json.loads((index / "index.json").read_text())
    (index / "index.json").write_text(json.dumps(header | {"version": 99}))
    with pytest.raises(DataError, match="version 99"):
        search_index(index, NEW, config=CONFIG)


@pytest.mark.parametrize("shingle", ["word:2", "char:4"])
def test_signatures_equal_those_of_datasketch(shingle: str) -> None:
    """Our kernel's MinHash values are datasketch's affine32 values, bit for bit."""
    config = DedupConfig(shingle=shingle, permutations=32)
    signatures = minhash_signatures(OLD + NEW, config=config)

    for numbers, signature in zip(shingle_numbers(OLD + NEW, config=config), signatures, strict=True):
        theirs = MinHash(num_perm=32, seed=1, hashfunc=int)
        theirs.update_batch(numbers.tolist())
        assert np.array_equal(theirs.hashvalues, signature)


def test_datasketch_index_answers_for_our_signatures() -> None:
    """An exported index finds the texts it was built from, by the keys given."""
    index = datasketch_index(OLD, list("abcdef"), config=CONFIG)
    numbers = shingle_numbers(NEW, config=CONFIG)[1]
    query = MinHash(num_perm=CONFIG.permutations, seed=1, hashfunc=int)
    query.update_batch(numbers.tolist())

    assert "b" in index.query(query)
    assert set(index.query(query)) <= set("abcdef") - {"c", "e", "f"}
