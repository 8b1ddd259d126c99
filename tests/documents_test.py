"""What the documents say to type can be typed: every command of every page is parsed, those of two pages are run.

Looked at are README.md, CONTRIBUTING.md, all pages under docs/, and the docstrings of examples/: whatever stands in a
code block and begins with `glad`, after `$`, `&&`, `|` or `;`, in a loop over words on one line, on lines joined by a
backslash. The real command line parses it with the command's work taken out, so an option, recipe, table, rule or
benchmark that does not exist fails here. Not looked at are commands of other programs, and text outside of code blocks.

Run are all commands of docs/own-videos.md and the `glad runs` of docs/runs.md, in their order, in a folder with twenty
tiny videos. There the recipes make 3 steps in place of 300: the numbers in the file that `glad init` writes are lowered
before the next command. What needs the datasets of the paper, the miniature (minutes), a GPU, the network or Weights &
Biases is parsed only.
"""

import ast
import functools
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from glad.cli import COMMANDS, RAW, main
from glad.recipes.find import find_recipe

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*.py")],
    key=str,
)
FENCE = re.compile(r"^([ \t]*)(```+)[^\n`]*\n(.*?)^\1\2[ \t]*$", re.MULTILINE | re.DOTALL)
INDENTED = re.compile(r"(?:^ {4}.*\n?)+", re.MULTILINE)
LOOP = re.compile(r"^for (\w+) in ([^;]+); do (.+); done$")
ASSIGNED = re.compile(r'^([A-Z]+)="([^"]*)"$')


def blocks(page: Path) -> Iterator[tuple[int, str]]:
    """Yield the code blocks of a page, of a Python file those of its docstring, with the lines that they begin on."""
    text = page.read_text(encoding="utf-8")
    if page.suffix == ".py":
        text = ast.get_docstring(ast.parse(text)) or ""
    for found in (INDENTED if page.suffix == ".py" else FENCE).finditer(text):
        start = found.start() if page.suffix == ".py" else found.start(3)
        yield text.count("\n", 0, start) + 1, found[0] if page.suffix == ".py" else found[3]


def lines(block: str) -> Iterator[tuple[int, str]]:
    """Yield what a shell reads as a line, joined over backslashes and open quotes, with its number from 0."""
    whole, first = "", 0
    for number, line in enumerate(block.splitlines()):
        line = line.strip().removeprefix("$ ")
        whole, first = (f"{whole} {line}", first) if whole else (line, number)
        if whole.endswith("\\"):
            whole = whole[:-1].rstrip()
        elif not re.match(r'^[A-Z]+="[^"]*$', whole):
            yield first, whole
            whole = ""


def commands(block: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the words of every `glad` command of a block, behind `glad`, with the number of its line from 0."""
    values: dict[str, str] = {}
    for number, line in lines(block):
        if found := ASSIGNED.match(line):
            values[found[1]] = found[2]
            continue
        turns = [line]
        if found := LOOP.match(line):
            turns = [re.sub(rf"\${found[1]}\b", value, found[3]) for value in found[2].split()]
        for turn in turns:
            for name, value in values.items():
                turn = re.sub(rf"\${name}\b", value, turn)
            for words in simple_commands(turn):
                yield number, words


def simple_commands(line: str) -> Iterator[list[str]]:
    """Yield the words behind `glad` of each command of a line; brackets around what may be left out are taken away."""
    if "glad " not in line:
        return
    reader = shlex.shlex(line, posix=True, punctuation_chars=";&|<>")
    reader.whitespace_split, reader.commenters = True, "#"
    try:
        words = [word.strip("[]") for word in reader]
    except ValueError:
        assert not re.match(r"^\s*glad ", line), f"no shell could read: {line}"
        return  # output of a program
    command: list[str] = []
    for before, word in pairwise(["", *words, ";"]):
        if {before[:1], word[:1]} & {"<", ">"}:
            continue  # where the output goes
        if set(word) <= set(";&|"):
            while command and re.match(r"^([A-Z_]+=.*|do|then|time)$", command[0]):
                command = command[1:]
            if command and command[0] == "glad":
                yield [word for word in command[1:] if word not in ("...", "…", "")]
            command = []
        else:
            command.append(word)


class Parsed(Exception):
    """A command has taken its words; these are the values it would have worked with."""

    def __init__(self, values: dict) -> None:
        super().__init__()
        self.values = values


def taken(command: Callable) -> Callable:
    """Return a command that takes the same options and does nothing but say so."""

    @functools.wraps(command)
    def parsed(**values: object) -> None:
        raise Parsed(values)

    return parsed


@pytest.fixture
def parses(monkeypatch, tmp_path, capsys) -> Callable[[list[str]], str]:
    """A function that parses words as the real command line does and returns what is wrong with them."""
    import glad.commands.lists
    import glad.commands.pack
    import glad.commands.videos
    import glad.training

    for name, command in list(COMMANDS.items()):
        if command not in RAW:
            monkeypatch.setitem(COMMANDS, name, taken(command))
    for module, names in (
        (glad.commands.videos, ("prepare_frames", "prepare_backgrounds", "prepare_mini")),
        (glad.commands.lists, ("prepare_lists",)),
        (glad.commands.pack, ("prepare_pack",)),
    ):
        for name in names:
            monkeypatch.setattr(module, name, taken(getattr(module, name)))
    monkeypatch.setattr(glad.training, "train", lambda recipe, out, **how: taken(dict)(recipe=recipe, out=out, **how))
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "my-project.py").write_text(PROJECT)
    (tmp_path / "my_benchmark.py").write_text("from glad.recipes.mini import TABLES\n")
    monkeypatch.chdir(tmp_path)

    def parse(words: list[str]) -> str:
        try:
            main(words)
        except Parsed as found:
            return unknown(words[0], found.values)
        except SystemExit as left:
            told = capsys.readouterr()
            return "" if left.code in (0, None) else f"{told.out}{told.err}".strip() or "refused"
        except SyntaxError as problem:
            return str(problem)
        return ""

    return parse


PROJECT = """
from glad.recipes import own

GLAD = own.GLAD.model_copy(update={"name": "my-project"})
SOURCE_ONLY = own.SOURCE_ONLY.model_copy(update={"name": "my-project-source-only"})
"""


def unknown(command: str, values: dict) -> str:
    """Return what the values of a parsed command name that does not exist: a recipe, a table, a benchmark."""
    from glad.commands.check import _is_recipe
    from glad.datasets.benchmarks import benchmark_named
    from glad.errors import UserError
    from glad.table import entries_of

    try:
        if command == "table":
            entries_of(values["what"], values["benchmark"], values["methods"])
        elif command == "show":
            find_recipe(values["recipe"])
        elif command == "check" and _is_recipe(values["lists"][0]) and not values["lists"][0].isupper():
            find_recipe(values["lists"][0])
        elif command == "prepare" and "benchmark" in values:
            benchmark_named(values["benchmark"])
    except UserError as problem:
        return str(problem)
    return ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_can_be_typed(page, parses):
    wrong = []
    for start, block in blocks(page):
        for number, words in commands(block):
            if problem := parses(words):
                wrong.append(f"{page.name}:{start + number}: glad {shlex.join(words)}\n{problem}")
    assert not wrong, "\n\n".join(wrong)


@pytest.fixture
def folder(movies, square_videos, tmp_path, monkeypatch) -> Path:
    """A current folder with what docs/own-videos.md begins with, its videos tiny."""
    (tmp_path / "labelled").symlink_to(movies / "source")
    shutil.copytree(movies / "target", tmp_path / "unlabelled")
    first, *_ = sorted((tmp_path / "unlabelled").iterdir())
    first.rename(first.with_name("ad_jesse_1.mp4"))
    for row in (movies / "test.csv").read_text().split():
        file, kind = row.split(",")
        (tmp_path / "test" / kind).mkdir(parents=True, exist_ok=True)
        shutil.copy(movies / file, tmp_path / "test" / kind)
    (tmp_path / "VIDEOS").symlink_to(movies / "target")
    (tmp_path / "rows.txt").write_text(f"{sorted(movies.glob('target/*'))[0].name} 4 7 0\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.slow
def test_the_walk_from_ones_own_videos_to_labels_and_the_list_of_runs_can_be_walked(folder, glad_says):
    done = []
    for name in ("own-videos.md", "runs.md"):
        for _, block in blocks(ROOT / "docs" / name):
            for _, words in commands(block):
                if name == "runs.md" and words[0] != "runs":
                    continue
                said = glad_says(*words)
                assert said or words[0] == "runs", f"glad {shlex.join(words)} said nothing"
                done.append(words[0])
                if words[0] == "init":
                    lower_steps(folder / "my-project.py")
    assert set(done) == {"init", "train", "predict", "evaluate", "show", "runs"} and len(done) > 15
    assert (folder / "sampled.png").exists() and (folder / "runs" / "my-project" / "scores.json").exists()
    assert "evaluated" in glad_says("runs") and "left" in glad_says("predict", "runs/my-project", "unlabelled")


def lower_steps(recipes: Path) -> None:
    """Let every recipe of a file make 3 steps."""
    text, count = re.subn(r"\bsteps=\d+", "steps=3", recipes.read_text(encoding="utf-8"))
    assert count == 2
    recipes.write_text(text, encoding="utf-8")


def test_commands_are_found_wherever_a_reader_would_type_them():
    block = """
$ glad train a --out "runs/my a" \\
    --steps 3   # minutes
A="--root x \\
   --json"
glad check LIST [LIST ...] [--classes FILE] $A
for s in 0 1; do cp -r a b-$s; glad evaluate b-$s; done
WANDB_MODE=offline glad runs --json | glad predict RUN - && glad recipes > list.txt
glad: this is no command, and "nor is this
python -m glad.mini.fold
"""
    found = [" ".join(words) for _, words in commands(block)]
    assert found == [
        "train a --out runs/my a --steps 3",
        "check LIST LIST --classes FILE --root x --json",
        "evaluate b-0",
        "evaluate b-1",
        "runs --json",
        "predict RUN -",
        "recipes",
    ]
    assert [number for number, _ in commands(block)] == [1, 5, 6, 6, 7, 7, 7]


@pytest.mark.parametrize(
    "line, problem",
    [
        ("train mini-gladd", "mini-gladd"),
        ("train my-project.py:other", "other"),
        ("train mini-glad --optim.rate 1", "optim.rate"),
        ("train mini-glad --log paper", "paper"),
        ("evaluate runs/a --select best", "best"),
        ("table 4", "called '4'"),
        ("table 3 --benchmark maxi", "maxi"),
        ("table 3 --methods Mine", "Mine"),
        ("show a.mp4 --recipe k2b", "k2b"),
        ("check k2bglad", "k2bglad"),
        ("prepare lists ucf-101 --out a", "ucf-101"),
        ("prepare frame a --out b", "frame"),
        ("prepare pack a --sheet b", "sheet"),
        ("walk", "no command"),
        ("runs --by colour", "colour"),
    ],
)
def test_what_does_not_exist_cannot_be_typed(line, problem, parses):
    assert problem in parses(line.split())
