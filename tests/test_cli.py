"""The command line: quick to answer, clear about mistakes, and honest in its exit code."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml

COMMANDS = (
    *("run", "demo", "init", "curate", "train", "evaluate", "merge", "mirror"),
    *("compare", "gate", "plan", "accept", "report", "diff"),
)


def tunegate(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line as a user would."""
    return subprocess.run(
        [sys.executable, "-m", "tunegate", *map(str, arguments)], cwd=cwd, capture_output=True, text=True
    )


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """Six labelled rows, one of them twice."""
    path = tmp_path / "rows.jsonl"
    texts = ["where is my card", "where is my card", "the card is broken", "send me a card", "no card came", "lost it"]
    path.write_text("".join(json.dumps({"text": text, "label": "card"}) + "\n" for text in texts))
    return path


def test_help_names_every_command_and_imports_nothing_heavy(tmp_path: Path) -> None:
    """`tunegate --help` answers without loading Arrow, numpy or anything larger."""
    code = (
        "import sys; sys.argv = ['tunegate', '--help']\nfrom tunegate.cli import main\n"
        "try:\n    main()\nexcept SystemExit: pass\n"
        "print([name for name in ('numpy', 'pyarrow', 'torch', 'pandas') if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert done.stderr.strip() == "[]"
    assert [command for command in COMMANDS if f"  {command} " not in done.stdout] == []


def test_version_and_bare_call(tmp_path: Path) -> None:
    """`--version` names the installed version; without arguments the help is shown, which is no error message."""
    shown, bare = tunegate("--version", cwd=tmp_path), tunegate(cwd=tmp_path)

    assert (shown.returncode, shown.stdout) == (0, f"tunegate {version('tunegate')}\n")
    assert bare.stdout.startswith("Usage: python -m tunegate [OPTIONS] COMMAND")
    assert (bare.returncode, bare.stderr) == (2, "")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_shows_an_example(command: str, tmp_path: Path) -> None:
    """The help of a command ends guessing with a line to copy."""
    assert f"Example: tunegate {command}" in tunegate(command, "--help", cwd=tmp_path).stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["curate", "--hlp"], "error: No such option: --hlp"),
        (["curate", "nowhere.jsonl"], "error: nowhere.jsonl: "),
        (["curate"], "error: curate needs a data file, such as: tunegate curate train.jsonl"),
        (
            ["curate", "rows.jsonl", "--set", "dedup.treshold=1"],
            "error: --set: unknown key 'dedup.treshold'; did you mean",
        ),
        (["curate", "rows.jsonl", "--column", "input"], "error: --column 'input': write it as name=column"),
        (
            ["train", "rows.jsonl", "--model", "base", "--set", "method=fulll"],
            "error: --set: method: Input should be 'auto', 'full', 'lora', 'dora' or 'head' (found 'fulll')\n",
        ),
        (["run", "nowhere.yaml"], "error: nowhere.yaml: no such file"),
        (["gate"], "error: gate needs a run folder, or --base and --tuned"),
        (["compare", "a", "b"], "error: a: no such file or folder"),
        (["init", "rows.jsonl", "--out", "rows.jsonl"], "error: rows.jsonl: exists already; choose another --out"),
        (["report", "nowhere"], "error: nowhere: no such folder; give the folder of a run"),
        (["report", "."], "error: .: there is no run.json in it; give the folder of a run"),
        (["accept", "rows.jsonl", "--by", "me"], "error: rows.jsonl: a file; give the folder of a run"),
        (["diff", "nowhere", "."], "error: nowhere: no such folder; give the folder of a curation"),
        (["curate", "rows.jsonl", "--explain", "rows.jsonl:1"], "error: rows.curated: no such folder; give the folder"),
        (["merge", "nowhere", "--out", "merged"], "error: nowhere: no such folder; give the folder of an adapter"),
    ],
)
def test_a_mistake_is_one_clear_line_and_exit_code_2(
    arguments: list[str], message: str, rows: Path, tmp_path: Path
) -> None:
    """Bad usage names what is wrong, shows no traceback, and leaves with 2."""
    done = tunegate(*arguments, cwd=rows.parent)

    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["curate", "rows.jsonl", "--out", "file/x"],
        ["train", "rows.jsonl", "--model", "absent", "--out", "file/x"],
        ["evaluate", "absent", "--out", "file/x"],
        ["report", "absent", "--out", "file/x"],
        ["compare", "absent", "absent", "--out", "file/x"],
        ["gate", "absent", "--out", "file/x"],
        ["accept", "absent", "--by", "me", "--lock", "file/x"],
        ["mirror", "copa", "--out", "file/x"],
        ["merge", "absent", "--out", "file/x"],
        ["init", "rows.jsonl", "--out", "file/x"],
        ["demo", "--out", "file/x"],
    ],
)
def test_a_place_that_cannot_be_written_is_told_before_any_work(arguments: list[str], rows: Path) -> None:
    """Nothing is read or computed for an output that could not be kept."""
    (rows.parent / "file").touch()

    done = tunegate(*arguments, cwd=rows.parent)

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "cannot be written, because" in done.stderr


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        ('OSError(5, "Input/output error", "data.jsonl")', 2, "error: data.jsonl: Input/output error; mend this"),
        ('OSError("of a library")', 4, "this is a fault of tunegate itself"),
    ],
)
def test_what_the_system_refuses_is_one_line(raised: str, code: int, said: str, tmp_path: Path) -> None:
    """A device that fails is no fault of tunegate, and shows no traceback; an error without a cause does."""
    script = f"""
from tunegate import cli

def work(standalone_mode):
    raise {raised}

cli.app = work
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)

    assert done.returncode == code
    assert said in done.stderr
    assert ("Traceback" in done.stderr) == (code == 4)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("run", "goes on where this one stopped"),
        ("evaluate", "goes on from the answers that are kept"),
        ("curate", "starts from the beginning"),
    ],
)
def test_an_interrupt_says_what_the_same_command_will_do(command: str, said: str, tmp_path: Path) -> None:
    """Only commands that keep what they have done promise to go on."""
    script = """
from tunegate import cli

def work(standalone_mode):
    raise KeyboardInterrupt

cli.app = work
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", script, command], cwd=tmp_path, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (130, f"error: interrupted; the same command {said}\n")


def test_curate_leaves_its_ledger_and_refuses_to_overwrite_it(rows: Path) -> None:
    """The default folder is named after the data; a second run does not write over the first."""
    first = tunegate("curate", "rows.jsonl", cwd=rows.parent)
    second = tunegate("curate", "rows.jsonl", cwd=rows.parent)
    rejected = [json.loads(line) for line in (rows.parent / "rows.curated" / "rejected.jsonl").read_text().splitlines()]

    assert first.returncode == 0, first.stderr
    assert [(row["line"], row["rule"], row["evidence"]["survivor_line"]) for row in rejected] == [
        (2, "exact-duplicate", 1)
    ]
    assert (rows.parent / "rows.curated" / "train.jsonl").read_bytes().splitlines() == [
        line for number, line in enumerate(rows.read_bytes().splitlines(), 1) if number != 2
    ]
    assert second.returncode == 2
    assert "rows.curated: exists already" in second.stderr


def test_an_index_remembers_what_was_accepted(rows: Path) -> None:
    """Tomorrow's file loses the rows that yesterday's kept, and keeps what is new."""
    tomorrow = rows.parent / "tomorrow.jsonl"
    tomorrow.write_bytes(rows.read_bytes() + b'{"text": "my garden is full of tall yellow flowers", "label": "card"}\n')
    first = tunegate("curate", "rows.jsonl", "--index", "accepted", cwd=rows.parent)
    second = tunegate("curate", "tomorrow.jsonl", "--index", "accepted", cwd=rows.parent)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert (rows.parent / "tomorrow.curated" / "train.jsonl").read_text().count("\n") == 1


def test_a_named_benchmark_is_not_trained_on(rows: Path, root: Path) -> None:
    """A row that holds a benchmark's question goes when the benchmark is named, by --benchmark or by the recipe."""
    benchmarks = root / "examples" / "quickstart" / "benchmarks"
    item = json.loads((benchmarks / "sentiment.jsonl").read_text().splitlines()[0])
    text = item["query"] + item["choices"][item["gold"]]
    rows.write_text(rows.read_text() + json.dumps({"text": text, "label": "card"}) + "\n")
    recipe = {"model": "base", "data": {"train": "rows.jsonl"}}
    recipe["evaluate"] = {"benchmarks": [str(benchmarks / "sentiment.yaml")]}
    (rows.parent / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    ways = {"named": ("-b", benchmarks / "sentiment.yaml"), "recipe": ("--recipe", "recipe.yaml"), "neither": ()}
    found = {}
    for way, options in ways.items():
        done = tunegate("curate", "rows.jsonl", *options, "--out", way, cwd=rows.parent)
        assert done.returncode == 0, done.stderr
        found[way] = json.loads((rows.parent / way / "summary.json").read_text())["by_rule"].get("benchmark-leak", 0)

    assert found == {"named": 1, "recipe": 1, "neither": 0}


def test_prompts_are_set_beside_the_settings_of_a_stage(tmp_path: Path, quickstart_base: Path) -> None:
    """`--set prompts.chat=plain`, which an error advises, is understood by `train`; another key is told as unknown."""
    turns = [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "good day"}]
    (tmp_path / "chats.jsonl").write_text(f"{json.dumps({'messages': turns})}\n" * 20)
    said = {}
    for chat in ("tokenizer", "plain"):
        options = ("--model", quickstart_base, "--dry-run", "--set", f"prompts.chat={chat}")
        said[chat] = tunegate("train", "chats.jsonl", *options, cwd=tmp_path)
    wrong = tunegate("train", "chats.jsonl", "--model", quickstart_base, "--set", "prompts.chta=plain", cwd=tmp_path)

    assert said["tokenizer"].returncode != 0
    assert "set prompts.chat: plain" in said["tokenizer"].stderr
    assert (said["plain"].returncode, wrong.returncode) == (0, 2), said["plain"].stderr
    assert "tokens are learned" in said["plain"].stdout
    assert "chta" in wrong.stderr


def test_a_wrong_recipe_for_the_proof_is_told_before_any_work(rows: Path) -> None:
    """A misspelt --prove-by costs no curation: exit code 2, and nothing is written."""
    done = tunegate("curate", "rows.jsonl", "--prove-by", "absent.yaml", cwd=rows.parent)

    assert done.returncode == 2
    assert "absent.yaml: no such file" in done.stderr
    assert not (rows.parent / "rows.curated").exists()


def test_explain_tells_one_rows_story(rows: Path) -> None:
    """After a curation, a row is found by its place, with its fate and the row that stands for it."""
    tunegate("curate", "rows.jsonl", cwd=rows.parent)
    done = tunegate("curate", "rows.jsonl", "--explain", "rows.jsonl:2", cwd=rows.parent)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("rejected: ")
    assert "exact-duplicate" in done.stdout


def test_init_writes_a_recipe_that_is_valid(rows: Path, quickstart_base: Path) -> None:
    """What `init` writes is read back without a complaint, and says what it recognised."""
    from tunegate.recipe import read_recipe

    done = tunegate("init", "rows.jsonl", "--model", quickstart_base, cwd=rows.parent)
    recipe = read_recipe(rows.parent / "recipe.yaml")

    assert done.returncode == 0, done.stderr
    assert "6 rows of kind label (input from 'text', target from 'label', 1 classes)" in done.stdout
    assert (recipe.data.train, recipe.data.kind) == ((str(rows),), "label")
    assert Path(recipe.model).samefile(quickstart_base)


@pytest.mark.parametrize(
    ("option", "key", "expected"),
    [
        ("--mirror", ("evaluate", "mirror"), "mine"),
        ("--test", ("data", "test"), "mine"),
        (None, ("data", "holdout"), 0.1),
    ],
)
def test_init_puts_what_was_named_into_the_recipe(
    option: str | None, key: tuple[str, str], expected: object, rows: Path, quickstart_base: Path
) -> None:
    """Paths given to `init` stand in the recipe, relative to it; what was not given has its default."""
    named = [option, "mine"] if option else []
    done = tunegate("init", "rows.jsonl", "--model", quickstart_base, *named, cwd=rows.parent)
    recipe = yaml.safe_load((rows.parent / "recipe.yaml").read_text())

    assert done.returncode == 0, done.stderr
    assert recipe[key[0]][key[1]] == expected


def test_the_schema_of_a_recipe_is_json(tmp_path: Path) -> None:
    """Editors get a schema in which every key has a description."""
    schema = json.loads(tunegate("init", "--schema", cwd=tmp_path).stdout)

    assert schema["required"] == ["model", "data"]
    assert [key for key, value in schema["properties"].items() if not value.get("description")] == []


@pytest.mark.skipif(
    not hasattr(signal, "setitimer"), reason="interrupts are repeated by an alarm, which this system lacks"
)
def test_an_interrupt_that_a_library_swallows_comes_again(tmp_path: Path) -> None:
    """Code that catches everything costs seconds, not the interrupt: the command still leaves with 130."""
    script = """
import os, signal, time
from tunegate import cli

def work(standalone_mode):
    try:
        os.kill(os.getpid(), signal.SIGINT)
    except BaseException:
        print("swallowed", flush=True)
    time.sleep(60)

cli.SECONDS_TO_REPEAT = 0.1
cli.app = work
cli.main()
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True)

    assert (done.returncode, done.stdout) == (130, "swallowed\n")
    assert done.stderr == "error: interrupted; the same command starts from the beginning\n"
