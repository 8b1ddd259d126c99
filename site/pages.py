"""Makes the pages of the documentation's site that no one writes by hand, and its list of contents.

The README becomes the first page; the reference of commands is what `glad COMMAND --help` answers; the reference of the
package is its docstrings. Links to files of the repository lead to the page that holds them.
"""

import contextlib
import io
import os
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")
# Pages of the reference of the package: its folders, and what stands beside them.
WINGS = {
    "methods": "Methods",
    "backbones": "Backbones",
    "data": "Videos, lists, loaders",
    "datasets": "Datasets",
    "check": "Checking lists",
    "mini": "The miniature",
    "recipes": "Recipes",
    "": "The package",
}
SUBCOMMANDS = {
    "prepare": ("lists", "frames", "backgrounds", "pack", "mini"),
    "train": ("mini-glad",),
}
NAV: list[Any] = [
    {"Start": ["index.md", "own-videos.md", "runs.md", "predict.md", "report.md", "kinetics-babel.md", "export.md"]},
    {"Videos": ["prepare.md", "check.md", "gaps.md", "benchmarks.md"]},
    {"Methods": ["methods/*", "backbones.md", "paper.md"]},
    {"Protocol": ["selection.md", "curves.md", "results/*", "performance.md"]},
    {"Extend": ["python.md", "extend.md", "contributing.md", "decisions/*"]},
    {"Reference": ["commands.md", "api/*", "glossary.md", "log.md", "changelog.md"]},
]


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Set the list of contents, from the pages that there are."""
    config.nav = [{title: expanded(entries)} for section in NAV for title, entries in section.items()]
    return config


def expanded(entries: list[str]) -> list[str]:
    """Return `entries` with `folder/*` replaced by the pages of that folder, without pages that nobody wrote yet."""
    found: list[str] = []
    for entry in entries:
        if entry == "api/*":
            found += [f"api/{wing or 'glad'}.md" for wing in WINGS]
        elif entry.endswith("/*"):
            found += [f"{entry[:-1]}{page.name}" for page in sorted((ROOT / "docs" / entry[:-2]).glob("*.md"))]
        elif entry in GENERATED or (ROOT / "docs" / entry).is_file():
            found.append(entry)
    return found


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made here."""
    for name, make in GENERATED.items():
        files.append(File.generated(config, name, content=make()))
    for wing in WINGS:
        files.append(File.generated(config, f"api/{wing or 'glad'}.md", content=reference(wing)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links lead to pages of the site, from wherever in the repository the text was written."""
    written = WRITTEN.get(page.file.src_uri, f"docs/{page.file.src_uri}")

    def led(match: re.Match[str]) -> str:
        text, target = match[1], match[2]
        if re.match(r"[a-z]+:|#", target):
            return match[0]
        path, _, anchor = target.partition("#")
        place = os.path.normpath(os.path.join(os.path.dirname(written), path))  # noqa: PTH118, PTH120
        home = home_of(place)
        if home is None:
            return text
        relative = os.path.relpath(home.partition("#")[0], os.path.dirname(page.file.src_uri) or ".")  # noqa: PTH120
        anchor = anchor or home.partition("#")[2]
        return f"[{text}]({relative}{'#' + anchor if anchor else ''})"

    return LINK.sub(led, markdown)


def home_of(place: str) -> str | None:
    """Return the page of the site, with its anchor, for a file or folder of the repository, or None."""
    path = Path(place)
    for page, source in WRITTEN.items():
        if place == source:
            return page
    if path.parts[:1] == ("docs",):
        if (ROOT / place).is_dir():
            pages = sorted((ROOT / place).glob("*.md"))
            return str(pages[0].relative_to(ROOT / "docs")) if pages else None
        return str(path.relative_to("docs"))
    if path.suffix == ".py" and path.parts[0] == "glad":
        module = ".".join(path.with_suffix("").parts)
        wing = path.parts[1] if path.parts[1] in WINGS else "glad"
        return f"api/{wing}.md#{module}"
    return None


def reference(wing: str) -> str:
    """Return the page of a wing of the package: every module of it with its docstrings."""
    folder = ROOT / "glad" / wing
    modules = sorted(folder.rglob("*.py") if wing else folder.glob("*.py"))
    named = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in modules
        if not path.name.endswith("_test.py") and path.name not in ("__init__.py", "__main__.py", "conftest.py")
    ]
    return f"# {WINGS[wing]}\n\n" + "\n\n".join(f"::: {name}" for name in named) + "\n"


def commands() -> str:
    """Return the page of commands: what each answers to --help."""
    os.environ |= {"COLUMNS": "110", "NO_COLOR": "1", "TERM": "dumb"}
    from glad.cli import COMMANDS

    lines = ["# Commands", "", "What `glad COMMAND --help` answers.", "", "```", answer([]), "```", ""]
    for name in COMMANDS:
        for words in [[name], *([name, more] for more in SUBCOMMANDS.get(name, ()))]:
            lines += [f"{'##' if len(words) == 1 else '###'} glad {' '.join(words)}", ""]
            lines += ["```", answer([*words, "--help"]), "```", ""]
    return "\n".join(lines)


def answer(words: list[str]) -> str:
    """Return what `glad` prints for `words`."""
    from glad.cli import main

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
        main(words)
    return re.sub(r"\x1b\[[0-9;]*m", "", said.getvalue()).rstrip()


def text_of(name: str) -> str:
    """Return a text file of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


# Pages whose text lies elsewhere in the repository.
WRITTEN = {"index.md": "README.md", "contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
GENERATED = {name: lambda source=source: text_of(source) for name, source in WRITTEN.items()} | {
    "commands.md": commands
}
