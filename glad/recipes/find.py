"""Recipes by name: those that come with the package, and those in a user's file."""

import difflib
import importlib.util
import pkgutil
import sys
import traceback
from pathlib import Path
from types import ModuleType

from pydantic import ValidationError

import glad.recipes
from glad.errors import UserError
from glad.recipe import Recipe, read_recipe, sentence

_RUN: set[str] = set()  # modules that are there because `module_at` ran their files
SHOWN = 12  # recipes that an error names; the package has more, a user's file rarely


def recipes_in(module: ModuleType) -> dict[str, Recipe]:
    """Return the recipes that a module defines at its top level, alone, in tuples or in its `TABLES`, by name."""
    found: dict[str, Recipe] = {}
    for value in vars(module).values():
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Recipe):
                found[item.name] = item
    for rows in getattr(module, "TABLES", {}).values():
        found |= {recipe.name: recipe for recipe in rows.values()}
    return found


def shipped() -> dict[str, Recipe]:
    """Return every recipe of the package: whatever the modules beside this one define."""
    found: dict[str, Recipe] = {}
    for module in pkgutil.iter_modules(glad.recipes.__path__):
        if module.name != "find" and not module.name.endswith("_test"):
            found |= recipes_in(importlib.import_module(f"glad.recipes.{module.name}"))
    return dict(sorted(found.items()))


def find_recipe(name: str) -> Recipe:
    """Return the recipe that `name` means: a shipped one, `file.py` or `file.py:name`, or a `recipe.json`.

    `file.py` is the only recipe in it, or of several the one called `file`. A Python file is code and is run.
    """
    file, _, wanted = name.partition(":")
    if file.endswith(".json"):
        return read_recipe(Path(file))
    if not file.endswith(".py"):
        return pick(shipped(), name, "glad has")
    found = recipes_in(module_at(file))
    if not wanted and (stem := Path(file).stem) in found:
        wanted = stem
    return pick(found, wanted, f"{file} has")


def benchmark(name: str) -> dict[str, dict[str, Recipe]]:
    """Return the `TABLES` of a benchmark: a module of this package (`mini`, `k2b`) or a Python file, which is run.

    They hold, for each table of the paper by its number, a recipe for each row by its label (`glad.published`).
    """
    if name.endswith(".py"):
        module = module_at(name)
    else:
        known = [found.name for found in pkgutil.iter_modules(glad.recipes.__path__)]
        if name not in known:
            raise UserError(f"there is no benchmark '{name}'; glad has mini and k2b, a file of your own ends in .py")
        module = importlib.import_module(f"glad.recipes.{name}")
    found = getattr(module, "TABLES", None)
    if not isinstance(found, dict):
        raise UserError(f"'{name}' has no TABLES; glad/recipes/mini.py shows what they are")
    return found


def module_at(file: str) -> ModuleType:
    """Return the Python file `file` as a module, after running it; a fault in it is one sentence.

    It can be imported by its name from then on, here and in processes that this one starts, and so can its neighbours.
    """
    path = Path(file)
    if not path.is_file():
        raise UserError(f"{file}: no such file")
    if path.stem in sys.modules and path.stem not in _RUN:
        raise UserError(f"{file}: there is another module called '{path.stem}' already; give the file another name")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    _RUN.add(path.stem)
    if (folder := str(path.resolve().parent)) not in sys.path:
        sys.path.append(folder)
    try:
        spec.loader.exec_module(module)
    except ValidationError as error:
        lines = [
            frame.lineno
            for frame in traceback.extract_tb(error.__traceback__)
            if Path(frame.filename).name == path.name
        ]
        raise UserError(f"{file} line {lines[-1]}: {sentence(error)}") from None
    except (SyntaxError, ImportError) as error:
        raise UserError(f"{file} cannot be run: {error}") from None
    return module


def pick(recipes: dict[str, Recipe], name: str, whose: str) -> Recipe:
    """Return the recipe called `name`, or the only one; else one sentence with the nearest or the choice."""
    if name in recipes:
        return recipes[name]
    if not name and len(recipes) == 1:
        return next(iter(recipes.values()))
    if not recipes:
        raise UserError(f"{whose} no recipes; a recipe is a `glad.recipe.Recipe` at the top level of the file")
    near = difflib.get_close_matches(name, recipes, n=3)
    if near:
        hint = f"did you mean '{near[0]}'?" + (f" also near: {', '.join(near[1:])}" if near[1:] else "")
    elif len(recipes) > SHOWN:
        hint = "`glad recipes` lists those that come with it"
    else:
        hint = f"choose one of: {', '.join(recipes)}"
    raise UserError(f"{whose} no recipe called '{name}'; {hint}" if name else f"{whose} several recipes; {hint}")
