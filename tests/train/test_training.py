"""Whole runs on small real models: what is written can be read, equals what was trained, and repeats."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tunegate.core.errors import DataError, InputError, IntegrityError, ModelError, RecipeError
from tunegate.core.models import known_labels, load_causal, load_classifier, load_tokenizer
from tunegate.core.prompts import PromptConfig
from tunegate.core.records import Tuned
from tunegate.core.results import BenchmarkItem
from tunegate.train import TrainConfig, merge_adapter, preflight, read_tuned, train_model
from tunegate.train.opening import open_session
from tunegate.train.plan import make_plan
from tunegate.train.save import write_model
from tunegate.train.step import train_step

Rows = list[dict[str, str]]
NO_HOLDOUT = {"validation_share": 0.0}


def run(rows: Any, model: Path, out: Path, *, seed: int = 0, **config: Any) -> Tuned:
    options = {name: config.pop(name) for name in ("validation", "watched", "prompts") if name in config}
    options.setdefault("prompts", PromptConfig())
    config.setdefault("monitor", NO_HOLDOUT)
    return train_model(rows, model=str(model), config=TrainConfig(**config), out=out, seed=seed, **options)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    (file,) = folder.glob("*.safetensors")
    return load_file(file)


@pytest.fixture(scope="module")
def full(labelled: Rows, quickstart_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Tuned:
    out = tmp_path_factory.mktemp("full") / "model"
    return run(labelled, quickstart_base, out, epochs=4)


def test_full_fine_tuning_learns(full: Tuned) -> None:
    """The loss falls, the method and the data are on record, and no partial folder stays behind."""
    assert full.losses[-1][1] < 0.3 < full.losses[0][1]
    assert (full.method, full.is_adapter, full.steps) == ("full", False, 12)
    assert not full.path.with_name("model.partial").exists()


def test_the_record_can_be_read_back(full: Tuned) -> None:
    """tuned.json holds the whole record."""
    assert read_tuned(full.path) == full


def test_the_folder_stands_alone(full: Tuned, quickstart_base: Path) -> None:
    """Weights in the base's number format, tokenizer, log and card lie in the folder; the tokenizer is unchanged."""
    names = {path.name for path in full.path.iterdir()}
    text = "hello, where is my parcel?"

    assert {"model.safetensors", "config.json", "tokenizer.json", "training_log.jsonl", "README.md"} <= names
    assert {tensor.dtype for tensor in weights(full.path).values()} == {torch.float16}
    assert load_tokenizer(full.path)(text)["input_ids"] == load_tokenizer(quickstart_base)(text)["input_ids"]
    assert load_causal(full.path).config._attn_implementation == "sdpa"


def test_the_tuned_model_answers(full: Tuned, labelled: Rows) -> None:
    """Loaded from disk, it writes the label and stops."""
    network, tokenizer = load_causal(full.path), load_tokenizer(full.path)
    ids = torch.tensor([tokenizer(f"{labelled[0]['text']}\nLabel:")["input_ids"]])
    written = network.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), max_new_tokens=8, do_sample=False, pad_token_id=1
    )

    assert tokenizer.decode(written[0, ids.shape[1] :].tolist()) == f" {labelled[0]['label']}<|endoftext|>"


def test_the_model_card_names_data_and_recipe(full: Tuned) -> None:
    """The card carries base, fingerprints and seed."""
    card = (full.path / "README.md").read_text()

    assert f"| data fingerprint | `{full.data_fingerprint}` |" in card
    assert f"| recipe fingerprint | `{full.notes['config_fingerprint']}` |" in card
    assert card.startswith("---\nbase_model: ")


def test_the_same_seed_gives_the_same_weights(labelled: Rows, quickstart_base: Path, tmp_path: Path) -> None:
    """Equal seeds: equal bytes; another seed: other weights."""
    runs = [
        run(labelled, quickstart_base, tmp_path / str(n), seed=seed, max_steps=3, save_dtype="float32")
        for n, seed in enumerate((1, 1, 2))
    ]
    first, again, other = (weights(tuned.path) for tuned in runs)

    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


@pytest.mark.parametrize("method", ["lora", "dora"])
def test_a_merged_adapter_says_the_same(method: str, labelled: Rows, quickstart_base: Path, tmp_path: Path) -> None:
    """Logits of base + adapter equal those of the merged model, and merging a whole model is refused."""
    tuned = run(labelled, quickstart_base, tmp_path / "adapter", method=method, max_steps=4)
    merged = merge_adapter(tuned.path, out=tmp_path / "merged")
    ids = torch.tensor([load_tokenizer(tuned.path)("where is my parcel")["input_ids"]])
    with torch.no_grad():
        before = load_causal(quickstart_base, adapter=tuned.path)(input_ids=ids).logits
        after = load_causal(merged.path)(input_ids=ids).logits
        base = load_causal(quickstart_base)(input_ids=ids).logits

    assert (tuned.is_adapter, merged.is_adapter) == (True, False)
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)
    assert float((base - before).abs().max()) > 0.01
    with pytest.raises(IntegrityError, match="holds a whole model"):
        merge_adapter(merged.path, out=tmp_path / "twice")


def test_a_merged_head_keeps_its_labels(small_bert: Path, tmp_path: Path) -> None:
    """Merging keeps label map and kind of head; the card is that of a whole model, and others may read the files."""
    rows = [{"text": "my order", "label": "order|mine"}, {"text": "the order", "label": "order"}] * 10
    tuned = run(rows, small_bert, tmp_path / "adapter", method="lora", multi_label="|", max_steps=2)
    merged = merge_adapter(tuned.path, out=tmp_path / "merged")
    network, tokenizer = load_classifier(merged.path), load_tokenizer(merged.path)
    inputs = tokenizer(["my order", "the order"], padding=True, return_tensors="pt")
    with torch.no_grad():
        before = load_classifier(small_bert, adapter=tuned.path)(**inputs).logits
        after = network(**inputs).logits
    card = (merged.path / "README.md").read_text()

    assert known_labels(merged.path) == {"mine": 0, "order": 1}
    assert network.config.problem_type == "multi_label_classification"
    torch.testing.assert_close(after, before, rtol=1e-3, atol=1e-3)
    assert "library_name: transformers" in card
    assert "# merged\n" in card
    assert len({(merged.path / name).stat().st_mode for name in ("model.safetensors", "config.json")}) == 1


def test_an_adapter_can_be_saved_merged(labelled: Rows, quickstart_base: Path, tmp_path: Path) -> None:
    """`lora.merge` writes one model."""
    tuned = run(labelled, quickstart_base, tmp_path / "m", method="lora", max_steps=2, lora={"merge": True})

    assert not tuned.is_adapter
    assert load_causal(tuned.path).num_parameters() == load_causal(quickstart_base).num_parameters()


def test_an_encoder_gets_a_new_head(labelled: Rows, small_bert: Path, tmp_path: Path) -> None:
    """An encoder learns the labels; the label map is alphabetical and stands in the saved config."""
    tuned = run(labelled, small_bert, tmp_path / "m", epochs=20, learning_rate=2e-3, dropout=0.0)
    network, tokenizer = load_classifier(tuned.path), load_tokenizer(tuned.path)
    inputs = tokenizer([row["text"] for row in labelled], padding=True, return_tensors="pt")
    with torch.no_grad():
        guesses = network(**inputs).logits.argmax(-1).tolist()

    assert tuned.method == "head"
    assert known_labels(tuned.path) == {"delivery": 0, "login": 1, "refund": 2}
    assert [network.config.id2label[guess] for guess in guesses] == [row["label"] for row in labelled]


def test_a_probe_leaves_the_encoder_alone(labelled: Rows, small_bert: Path, tmp_path: Path) -> None:
    """`freeze: encoder` trains the head alone: every other weight is bit for bit the base's."""
    tuned = run(labelled, small_bert, tmp_path / "m", freeze="encoder", epochs=1)
    base, after = weights(small_bert), weights(tuned.path)
    body = {name: tensor for name, tensor in after.items() if name.startswith("bert.")}

    assert len(body) == len(base)
    assert all(torch.equal(tensor, base[name.removeprefix("bert.")]) for name, tensor in body.items())


@pytest.mark.parametrize(("model", "method"), [("causal", "full"), ("causal", "lora"), ("encoder", "head")])
def test_what_is_saved_says_what_was_trained(
    model: str, method: str, labelled: Rows, quickstart_base: Path, small_bert: Path, tmp_path: Path
) -> None:
    """Logits of the model loaded from disk equal those of the network in memory, to the last bit or so."""
    base = quickstart_base if model == "causal" else small_bert
    config = TrainConfig(method=method, monitor=NO_HOLDOUT, save_dtype="float32")  # type: ignore[arg-type]
    plan = make_plan(labelled, model=str(base), config=config, prompts=PromptConfig())
    session, *_ = open_session(plan, tmp_path)
    train_step(session, plan.encoding.rows, step=0)
    out = tmp_path / "m"
    out.mkdir()
    write_model(session.network, out, plan)
    load = load_causal if model == "causal" else load_classifier
    again = load(base, adapter=out) if method == "lora" else load(out)
    ids = {"input_ids": torch.tensor([load_tokenizer(out)("where is my parcel")["input_ids"]])}
    with torch.no_grad():
        expected = session.network.eval()(**ids).logits
        found = again(**ids).logits
        before = load(base)(**ids).logits if model == "causal" else None

    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    assert before is None or float((before - expected).abs().max()) > 1e-3


def test_frozen_layers_stay(labelled: Rows, quickstart_base: Path, tmp_path: Path) -> None:
    """`freeze: 2` leaves the embeddings and the two lowest layers as they were, and moves the others."""
    tuned = run(labelled, quickstart_base, tmp_path / "m", freeze=2, max_steps=2)
    base, after = weights(quickstart_base), weights(tuned.path)
    moved = {name for name in after if not torch.equal(after[name], base[name])}

    assert "model.embed_tokens.weight" not in moved
    assert {name.split(".")[2] for name in moved if ".layers." in name} == {"2", "3"}


def test_an_adapter_with_a_head_keeps_its_labels(labelled: Rows, small_bert: Path, tmp_path: Path) -> None:
    """LoRA on an encoder saves head and label map with the adapter; reloading gives the trained answers."""
    tuned = run(labelled, small_bert, tmp_path / "m", method="lora", epochs=10, validation=labelled)
    network, tokenizer = load_classifier(small_bert, adapter=tuned.path), load_tokenizer(tuned.path)
    inputs = tokenizer([row["text"] for row in labelled], padding=True, return_tensors="pt")
    with torch.no_grad():
        guesses = network(**inputs).logits.argmax(-1).tolist()
    right = sum(network.config.id2label[g] == row["label"] for g, row in zip(guesses, labelled, strict=True))
    kept = next(found for found in tuned.notes["evaluations"] if found["step"] == tuned.notes["kept_step"])

    assert tuned.is_adapter
    assert right / len(labelled) == kept["accuracy"]
    assert kept["accuracy"] > 0.6


def test_several_labels_per_row(small_bert: Path, tmp_path: Path) -> None:
    """Multi-label training learns sets of labels; the saved config says so."""
    rows = [{"text": "my order", "label": "order|mine"}, {"text": "the order", "label": "order"}] * 10
    tuned = run(rows, small_bert, tmp_path / "m", multi_label="|", epochs=20, learning_rate=2e-3)
    network, tokenizer = load_classifier(tuned.path), load_tokenizer(tuned.path)
    with torch.no_grad():
        logits = network(**tokenizer(["my order", "the order"], padding=True, return_tensors="pt")).logits

    assert network.config.problem_type == "multi_label_classification"
    assert known_labels(tuned.path) == {"mine": 0, "order": 1}
    assert (logits > 0).tolist() == [[True, True], [False, True]]


def test_the_best_checkpoint_is_saved(labelled: Rows, quickstart_base: Path, tmp_path: Path) -> None:
    """With validation, the saved weights are those of the best evaluation, which the record names."""
    tuned = run(
        labelled,
        quickstart_base,
        tmp_path / "m",
        epochs=3,
        learning_rate=3e-2,
        warmup=0.0,
        validation=labelled[:9],
        monitor={"every": 1},
        save_dtype="float32",
    )
    evaluations = {found["step"]: found["loss"] for found in tuned.notes["evaluations"] if found["step"]}
    best = min(evaluations, key=lambda step: (evaluations[step], -step))
    again = preflight(labelled[:9], model=str(tuned.path), config=TrainConfig(), prompts=PromptConfig())

    assert tuned.notes["kept_step"] == best
    assert again.trained_rows == 9


def test_early_stopping_stops(labelled: Rows, quickstart_base: Path, tmp_path: Path) -> None:
    """A rate that ruins the model: training stops after `patience` evaluations without a better one."""
    tuned = run(
        labelled,
        quickstart_base,
        tmp_path / "m",
        epochs=30,
        learning_rate=0.3,
        validation=labelled[:9],
        monitor={"every": 1, "patience": 3},
    )

    assert tuned.steps < 60
    assert "no better evaluation in the last 3" in tuned.notes["stopped"]


def test_forgetting_stops_training(labelled: Rows, quickstart_base: Path, tmp_path: Path) -> None:
    """Watched text and benchmark items: a rise beyond the margin stops the run and is on record."""
    text = tmp_path / "general.txt"
    text.write_text("The opposite of hot is cold.\n\nThe cat sat on the mat.\n")
    item = BenchmarkItem(task="opposites", doc_hash="d", question="The opposite of hot is", answer="cold")
    tuned = run(
        labelled,
        quickstart_base,
        tmp_path / "m",
        epochs=20,
        learning_rate=1e-2,
        watched=[item],
        monitor={"every": 1, "retention": str(text), "on_breach": "stop", "validation_share": 0.0},
    )
    first, *_, last = tuned.notes["evaluations"]

    assert last["retention"] - first["retention"] > 0.1 or last["items"] - first["items"] > 0.1
    assert "retention left its margin" in tuned.notes["stopped"]
    assert tuned.steps < 60


def test_the_log_holds_every_step(full: Tuned) -> None:
    """training_log.jsonl: one line per step with loss, gradient norm and rate, then the evaluations."""
    lines = [json.loads(line) for line in (full.path / "training_log.jsonl").read_text().splitlines()]

    assert [line["step"] for line in lines if "step" in line] == list(range(1, 13))
    assert set(lines[0]) == {"step", "loss", "norm", "rate"}


def test_a_pickle_checkpoint_is_refused(labelled: Rows, quickstart_base: Path, tmp_path: Path) -> None:
    """Weights as pickle are not opened; the message names the remedy."""
    (tmp_path / "config.json").write_bytes((quickstart_base / "config.json").read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"pickle 'pytorch_model.bin'.*safe_serialization"):
        run(labelled, tmp_path, tmp_path / "m")


@pytest.mark.parametrize(
    ("rows", "config", "message"),
    [
        ([{"text": "a", "label": "x"}] * 9, {"method": "head"}, "nothing would be learned"),
        ([{"prompt": "a " * 400, "completion": "b " * 400}] * 3, {}, "none of 3 rows has anything to learn"),
        ([{"prompt": "a", "completion": "b"}] * 3, {"method": "head"}, "head needs examples with labels"),
    ],
)
def test_data_that_teaches_nothing_is_refused_before_loading(
    rows: Rows, config: dict[str, Any], message: str, quickstart_base: Path
) -> None:
    """The dry run refuses what the real run would waste time on."""
    with pytest.raises((DataError, RecipeError), match=message):
        preflight(rows, model=str(quickstart_base), config=TrainConfig(**config), prompts=PromptConfig())


def test_a_broken_loss_stops_before_the_step_and_writes_nothing(
    labelled: Rows, quickstart_base: Path, tmp_path: Path
) -> None:
    """A rate that makes weights overflow: the run stops, names the step and what to lower, and leaves no model."""
    with pytest.raises(InputError, match=r"step \d+: .*(loss|norm) is (nan|inf).*lower train.learning_rate"):
        run(labelled, quickstart_base, tmp_path / "m", learning_rate=1e38, warmup=0.0, epochs=3)
    assert not (tmp_path / "m").exists()
