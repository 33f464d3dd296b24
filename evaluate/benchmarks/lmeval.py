"""Benchmark definitions to requests, answers to per-item results: the one file that touches lm-eval.

Facts of lm-eval 0.4.13 that this file works around:

* its response cache does not know the model, its request cache does not know the data: neither is used;
* `limit` takes the first documents, an empty `samples` list takes all, an unsorted one mislabels, a short one decodes
  the whole split: items are chosen by us, the task is narrowed to them, and they are known by hash, never by position;
* few-shot draws depend on the order of items: seed and item list are fixed, and prompts are hashed;
* `process_docs` runs over the whole split at every look: it is run once;
* a model passed to its Hugging Face adapter silently ignores adapter, dtype and device: ours are loaded beforehand.
"""

from __future__ import annotations

import io
import json
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import fields, replace
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import Any

from ...core.errors import DataError, RecipeError
from ...core.hub import skip_unreachable_hub
from ..config import Benchmark
from ..scoring.request import Answer, Request, is_drawn
from .complaints import cannot_open, no_answer, require_metric, too_few_examples
from .items import ItemResult, describe
from .local_data import file_loader, local_files, mirror_entry, mirrored, served_by
from .locate import Leaf

FEWSHOT_SEED = 1234
"""lm-eval's own default, so that few-shot prompts are those behind published numbers."""


def open_task(leaf: Leaf, settings: Benchmark, *, mirror: Path | None, index: Mapping[str, Any]) -> Any:
    """The lm-eval task of a definition, its data loaded from the mirror, from local files, or from the hub.

    Raises:
        DataError: the definition or its data cannot be loaded.
    """
    from lm_eval.api.task import ConfigurableTask
    from lm_eval.config.task import TaskConfig
    from lm_eval.tasks._factory import TaskFactory
    from lm_eval.tasks._index import TaskIndex

    _hush()
    definition, overrides = _definition(leaf, settings), {}
    entry = (
        TaskIndex.entry_from_path(leaf.path)
        if leaf.path
        else TaskIndex.entry_from_config(dict(settings.definition or {}))
    )
    try:
        overrides = _overrides(leaf, settings, definition, mirror, index)
        if "custom_dataset" not in overrides:
            skip_unreachable_hub(str(definition.get("dataset_path")))
        with redirect_stderr(io.StringIO()):
            task: Any = TaskFactory().build(entry, overrides=overrides, registry={})
    except DataError as error:
        raise DataError(f"benchmark {leaf.name!r}: {error}") from error
    except Exception as error:
        is_local = "custom_dataset" in overrides or "data_files" in (definition.get("dataset_kwargs") or {})
        keys = [field.name for field in fields(TaskConfig)]
        raise cannot_open(leaf.name, error, definition, keys=keys, mirror=mirror, is_local=is_local) from error
    is_standard = task.config.process_results is None and type(task).process_results is ConfigurableTask.process_results
    require_metric(leaf.name, settings.metric, task.aggregation(), is_standard=is_standard)
    task.set_config(key="num_fewshot", value=_shots(task.get_config("num_fewshot"), settings))
    return task


def _hush() -> None:
    import datasets

    datasets.disable_progress_bars()
    for name in ("lm_eval", "lm-eval"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _definition(leaf: Leaf, settings: Benchmark, *, resolved: bool = False) -> dict[str, Any]:
    """The definition as written; where `resolved`, with the functions that it names."""
    from lm_eval.tasks._yaml_loader import load_yaml

    definition = load_yaml(leaf.path, resolve_func=resolved) if leaf.path else dict(settings.definition or {})
    return {**definition, **leaf.overrides}


def _overrides(
    leaf: Leaf, settings: Benchmark, definition: Mapping[str, Any], mirror: Path | None, index: Mapping[str, Any]
) -> dict[str, Any]:
    overrides = dict(leaf.overrides)
    if _shots(definition.get("num_fewshot"), settings) == 0 and "class" not in definition:
        # Without it lm-eval decodes a whole split for examples that it then does not show.
        overrides |= {"fewshot_split": None, "fewshot_config": {"samples": []}}
    if "process_docs" in definition and "class" not in definition:
        overrides["process_docs"] = _once(_definition(leaf, settings, resolved=True)["process_docs"])
    if mirror is not None and (entry := mirror_entry(index, leaf.name, definition)) is not None:
        return overrides | mirrored(entry, mirror)
    files = local_files(definition, leaf.path.parent if leaf.path else Path())
    return overrides | (served_by(file_loader(files)) if files else {})


def _shots(stated: int | None, settings: Benchmark) -> int:
    """lm-eval's rule: a definition with 0 solved examples keeps 0."""
    return stated or 0 if stated == 0 or settings.num_fewshot is None else settings.num_fewshot


def _once(process: Any) -> Any:
    """A definition's `process_docs` that remembers: lm-eval calls it at every look, the first time while it builds."""
    done: dict[int, tuple[Any, Any]] = {}  # the split is kept, so that no other takes its identity

    def once(split: Any) -> Any:
        if id(split) not in done:
            done[id(split)] = (split, process(split))
            if len(split) and not len(done[id(split)][1]):
                raise DataError(f"its process_docs leaves none of {len(split):,} documents; mend the function")
        return done[id(split)][1]

    return once if callable(process) else process


def documents(task: Any) -> Any:
    """The documents of the split that is measured, as lm-eval sees them; after `narrow`, the chosen ones."""
    return task.eval_docs


def narrow(task: Any, items: Sequence[int]) -> None:
    """Leave only the items (ascending positions, not empty) in a task: lm-eval then decodes nothing else.

    It would take an empty list for all, and give the items of an unsorted one wrong names.
    """
    if not items or list(items) != sorted(set(items)):
        raise ValueError(f"items of {task.task_name} must be ascending and not empty")
    docs = documents(task)
    chosen = docs.select(items) if hasattr(docs, "select") else [docs[position] for position in items]
    task.config.process_docs = lambda _split: chosen


def chosen_documents(task: Any, items: Sequence[int]) -> list[Mapping[str, Any]]:
    """The items' documents, in order."""
    return [doc for _, doc in task.doc_iterator(samples=_samples(task, items))]


def _samples(task: Any, items: Sequence[int]) -> list[int] | None:
    """None where the task was narrowed; a task class with documents of its own is told the positions."""
    return None if len(documents(task)) == len(items) else list(items)


def build_requests(task: Any, items: Sequence[int], *, tokenizer: Any = None) -> list[tuple[Any, Request]]:
    """lm-eval's instances for the items, each with a request that it makes of a model: several texts that are drawn.

    With a tokenizer the prompts are wrapped in its chat template.
    """
    task.set_fewshot_seed(seed=FEWSHOT_SEED)
    with redirect_stderr(io.StringIO()):
        try:
            task.build_all_requests(
                samples=_samples(task, items),
                cache_requests=False,
                apply_chat_template=tokenizer is not None,
                fewshot_as_multiturn=tokenizer is not None,
                chat_template=_chat_template(tokenizer) if tokenizer is not None else None,
            )
        except ValueError as error:
            if "larger than population" in str(error):
                raise too_few_examples(task.task_name, task.config.num_fewshot) from error
            raise
    return [(instance, request) for instance in task.instances for request in _requests(instance)]


def _chat_template(tokenizer: Any) -> Callable[..., str]:
    def render(history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        text: str = tokenizer.apply_chat_template(
            history,
            tokenize=False,
            add_generation_prompt=add_generation_prompt,
            continue_final_message=not add_generation_prompt,
        )
        return text

    return render


def _requests(instance: Any) -> Iterator[Request]:
    """A text that is not drawn is the same however often it is asked for."""
    asked = _request(instance)
    is_repeated = (instance.repeats or 1) > 1 and asked.kind == "generate" and is_drawn(json.loads(asked.options))
    for draw in range(instance.repeats if is_repeated else 1):
        yield replace(asked, draw=draw)


def _request(instance: Any) -> Request:
    group = instance.task_name or ""
    if instance.request_type == "loglikelihood":
        prompt, continuation = instance.args[:2]
        return Request(kind="loglikelihood", prompt=prompt, continuation=continuation, group=group)
    if instance.request_type == "loglikelihood_rolling":
        return Request(kind="rolling", prompt=instance.args[0], group=group)
    prompt, options = instance.args[:2]
    return Request(kind="generate", prompt=prompt, options=json.dumps(options, sort_keys=True), group=group)


BACKENDS = {"vllm": ("vllm", ("vllm",)), "server": ("local-completions", ("aiohttp", "requests", "tenacity"))}
"""Our name to lm-eval's, and the packages it needs."""
BACKEND_CHUNK = 256
"""Requests that an adapter of lm-eval answers at once: what a kill loses at most."""


def backend_answers(
    name: str, model: Mapping[str, Any], options: Mapping[str, Any], requests: Sequence[Request]
) -> Iterator[list[tuple[int, Answer]]]:
    """Answers of one of lm-eval's own model adapters: `hf`, `vllm`, `server`, or another by lm-eval's name for it.

    Raises:
        RecipeError: there is no such adapter, a package of it is missing, or it refuses its options.
        ModelError: a server does not answer.
    """
    from lm_eval.api.registry import get_model

    _hush()
    known, packages = BACKENDS.get(name, (name, ()))
    if missing := [package for package in packages if find_spec(package) is None]:
        extra = "vllm" if name == "vllm" else "api"
        raise RecipeError(f"evaluate.backend: {name!r} needs {missing[0]!r}; run: pip install 'lm-eval[{extra}]'")
    if name == "server":
        model = _served(model, options)
    model = {**model, **options}
    try:
        adapter = get_model(known).create_from_arg_obj(model)
    except (ImportError, KeyError, TypeError, ValueError) as error:
        raise RecipeError(f"evaluate.backend: {name!r} cannot be used ({error}); see `lm-eval --help`") from error
    for kind, method in METHODS.items():
        numbers = [number for number, request in enumerate(requests) if request.kind == kind]
        for start in range(0, len(numbers), BACKEND_CHUNK):
            chunk = numbers[start : start + BACKEND_CHUNK]
            instances = [_instance(requests[number], method) for number in chunk]
            try:
                with redirect_stderr(io.StringIO()):
                    answers = getattr(adapter, method)(instances)
            except Exception as error:
                if name != "server":
                    raise
                raise no_answer(model["base_url"], error) from error  # clients fail in ways of their own
            yield list(zip(chunk, answers, strict=True))


def _served(model: Mapping[str, Any], options: Mapping[str, Any]) -> dict[str, Any]:
    if "base_url" not in options:
        example = "{base_url: http://127.0.0.1:8000/v1/completions, model: NAME}"
        raise RecipeError(f"evaluate.backend: 'server' needs to know where; set evaluate.backend_options: {example}")
    if "peft" in model:
        raise RecipeError("evaluate.backend: 'server' cannot put an adapter on; serve the tuned model and name that")
    same = {"model": model["pretrained"], "tokenizer": model["pretrained"], "tokenizer_backend": "huggingface"}
    return {**same, "add_bos_token": True}  # as the tokenizer does by itself


METHODS = {"loglikelihood": "loglikelihood", "rolling": "loglikelihood_rolling", "generate": "generate_until"}


def _instance(request: Request, method: str) -> Any:
    from lm_eval.api.instance import Instance

    arguments: dict[str, tuple[Any, ...]] = {
        "loglikelihood": (request.prompt, request.continuation),
        "loglikelihood_rolling": (request.prompt,),
        "generate_until": (request.prompt, json.loads(request.options or "{}")),
    }
    return Instance(method, {}, arguments[method], 0, metadata=(request.group, 0, 1))


def item_results(task: Any, items: Sequence[int], answered: Sequence[tuple[Any, Answer]]) -> list[ItemResult]:
    """lm-eval's own filters and metrics over the answers: one result per document and filter, documents in order.

    Documents whose instances were not answered are left out.
    """
    by_doc: dict[int, list[Any]] = defaultdict(list)
    for _, pairs in groupby(answered, key=lambda pair: id(pair[0])):
        (instance, *_), answers = zip(*pairs, strict=True)
        instance.resps = list(answers) if len(answers) > 1 else list(answers) * (instance.repeats or 1)
        by_doc[instance.doc_id].append(instance)
    task._instances = [instance for own in by_doc.values() for instance in own]  # its filters take all that it holds
    task.apply_filters()
    docs = [entry for entry in task.doc_iterator(samples=_samples(task, items)) if entry[0] in by_doc]
    results = []
    for name in answered[0][0].filtered_resps:
        for doc_id, doc in docs:
            instances = sorted(by_doc[doc_id], key=lambda instance: instance.idx)
            metrics = task.process_results(doc, [instance.filtered_resps[name] for instance in instances])
            results.append(_result(task, doc, instances, name, metrics))
    return results


def _result(
    task: Any, doc: Mapping[str, Any], instances: Sequence[Any], name: str, metrics: Mapping[str, Any]
) -> ItemResult:
    from lm_eval.utils import hash_string

    first = instances[0]
    written = first.request_type == "generate_until"
    question, choices, gold, target = describe(task, doc)
    return ItemResult(
        doc_hash=doc_hash(doc),
        prompt_hash=hash_string(first.arguments[0]),
        target_hash=hash_string(str(task.doc_to_target(doc))),
        filter=name,
        metrics=metrics,
        doc=doc,
        question=question,
        choices=choices,
        gold=gold,
        target=target,
        logprobs=tuple(instance.resps[0][0] for instance in instances) if first.request_type == "loglikelihood" else (),
        response=str(first.filtered_resps[name]) if written else "",
        raw=first.resps[0] if written else "",
    )


def doc_hash(doc: Mapping[str, Any]) -> str:
    """lm-eval's hash of a document's content."""
    from lm_eval.utils import handle_non_serializable, hash_string

    text = json.dumps(doc, indent=2, default=handle_non_serializable, ensure_ascii=False)
    return str(hash_string(text))
