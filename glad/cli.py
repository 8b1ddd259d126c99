"""The command line. Each command imports what it needs when it is called, so that `glad --help` answers at once."""

import errno
import sys
from collections.abc import Callable

import tyro

import glad
from glad.commands.check import check
from glad.commands.gaps import gaps
from glad.commands.overview import runs
from glad.commands.predict import predict
from glad.commands.project import init
from glad.commands.runs import demo, evaluate, recipes, report, table, train
from glad.commands.share import export, pull, push
from glad.commands.videos import prepare, show
from glad.data.listtext import check_utf8
from glad.errors import UserError

COMMANDS: dict[str, Callable] = {
    "recipes": recipes,
    "train": train,
    "runs": runs,
    "evaluate": evaluate,
    "predict": predict,
    "init": init,
    "prepare": prepare,
    "check": check,
    "show": show,
    "gaps": gaps,
    "report": report,
    "table": table,
    "export": export,
    "push": push,
    "pull": pull,
    "demo": demo,
}
RAW = (train, prepare)  # these parse their own arguments


def main(arguments: list[str] | None = None) -> None:
    """Run one command; a user's mistake ends in one sentence and status 2."""
    words = sys.argv[1:] if arguments is None else arguments
    if not words or words[0] in ("-h", "--help"):
        print(usage())
        return
    if words[0] == "--version":
        print(f"glad {glad.__version__}")
        return
    try:
        for word in words:
            check_utf8(word)
        while words[0] == "--code":
            words = own_code(words[1:])
        command = COMMANDS.get(words[0])
        if command is None:
            raise UserError(f"there is no command '{words[0]}'\n\n{usage()}")
        if command in RAW:
            command(words[1:])
        else:
            tyro.cli(command, args=words[1:], prog=f"glad {words[0]}")
    except UserError as error:
        print(f"glad: {error}", file=sys.stderr)
        raise SystemExit(2) from None
    except BrokenPipeError:  # the reader, say `head`, has seen enough
        sys.stderr.close()
    except KeyboardInterrupt:
        print("glad: stopped", file=sys.stderr)
        raise SystemExit(130) from None
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        print(f"glad: the name '{str(error.filename)[:60]}…' is longer than that of a file may be", file=sys.stderr)
        raise SystemExit(2) from None


def own_code(words: list[str]) -> list[str]:
    """Run the file that `words` begin with, which defines parts that a run folder names, and return the rest."""
    if len(words) < 2:
        raise UserError("--code takes a Python file, which is run, and then a command: glad --code mine.py COMMAND ...")
    from glad.recipes.find import module_at

    module_at(words[0])
    return words[1:]


def usage() -> str:
    """Return the list of commands."""
    lines = ["usage: glad [--code FILE.py] COMMAND ...   (glad COMMAND --help tells more)", ""]
    for name, command in COMMANDS.items():
        lines.append(f"  {name:<10} {(command.__doc__ or '').splitlines()[0]}")
    lines += ["", "--code runs a file that defines your own method or network, for runs that were trained with it."]
    return "\n".join(lines)
