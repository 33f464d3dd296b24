"""The shipped base model can do what its card says, knows nothing of the task, and is what its recipe builds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tunegate.core.models import load_tokenizer
from tunegate.examples.quickstart.pretrain import STEPS, build_model, build_tokenizer, documents, rate
from tunegate.recipe import read_recipe


def card(base: Path) -> dict[str, tuple[int, float, float]]:
    """Ability → items, chance and percent right, as the card's table states them."""
    text = (base / "README.md").read_text()
    rows = re.findall(r"^\| ([\w ()]+) \| (\d+) \| (\d+) \| ([\d.]+) \|", text, re.MULTILINE)
    return {name.split(" ")[0]: (int(items), float(chance), float(right)) for name, items, chance, right in rows}


def test_the_tokenizer_is_what_its_recipe_builds(quickstart_base: Path) -> None:
    """The committed tokenizer encodes as one trained anew on the same text."""
    texts = documents(1000)
    built = build_tokenizer([next(texts) for _ in range(20_000)])
    shipped = load_tokenizer(quickstart_base)

    assert built.get_vocab() == shipped.get_vocab()


def test_numbers_are_split_into_digits_after_one_start_token(quickstart_base: Path) -> None:
    """Every text begins with the start token; arithmetic sees digits."""
    tokenizer = load_tokenizer(quickstart_base)

    assert tokenizer.convert_ids_to_tokens(tokenizer("17")["input_ids"]) == ["<|endoftext|>", "1", "7"]


def test_the_weights_fit_in_four_megabytes(quickstart_base: Path) -> None:
    """What is committed stays small, in safetensors, of the stated size."""
    assert [path.suffix for path in quickstart_base.glob("model*")] == [".safetensors"]
    assert (quickstart_base / "model.safetensors").stat().st_size < 4_000_000
    assert build_model(1024).num_parameters() == 935_040


def test_the_learning_rate_rises_stays_and_falls() -> None:
    """A short rise from near zero, level to the middle, two per cent at the end."""
    assert rate(0, STEPS) == pytest.approx(1 / 60)
    assert rate(60, STEPS) == 1.0
    assert rate(STEPS // 2, STEPS) == 1.0
    assert rate(STEPS * 3 // 4, STEPS) == pytest.approx(0.5)
    assert rate(STEPS - 1, STEPS) == pytest.approx(0.02)


@pytest.mark.slow
def test_the_base_scores_what_its_card_says(root: Path, quickstart_base: Path) -> None:
    """All items through the product's own evaluation, to a tenth of a point and one item."""
    from tunegate.core.formats import load_examples
    from tunegate.evaluate import compare_scores, evaluate_model

    recipe = read_recipe(root / "examples" / "quickstart" / "naive.yaml")
    task = load_examples(recipe.data.test, kind="label", columns=recipe.data.columns)
    scores = evaluate_model(str(quickstart_base), task=task, config=recipe.evaluate, prompts=recipe.prompts)
    found = {t.info.name.removeprefix("quickstart_"): t for t in compare_scores(scores, scores).tasks}
    stated = card(quickstart_base)

    assert set(stated) == {"intents", *found} - {"task"}
    for name, (items, _chance, right) in stated.items():
        seen = found["task" if name == "intents" else name]
        assert seen.n == items
        assert 100 * seen.base == pytest.approx(right, abs=0.05 + 100 / items)
