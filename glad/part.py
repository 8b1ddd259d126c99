"""What every piece of a recipe is: a frozen value that refuses unknown fields and knows its own import path."""

import difflib
import importlib
import inspect
import sys
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator

from glad.errors import UserError

Share = Annotated[float, Field(ge=0, le=1)]  # of a whole; a probability


class Part(BaseModel):
    """Base of all configuration values. Frozen; an unknown field is refused with the nearest known name.

    As JSON a part carries `"kind": "module:Class"`, so that a field typed with a general part (any method, any
    backbone) reads back as the very class that was written. Nothing is run for it: `part_class` says where it looks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_serializer(mode="plain")
    def _with_kind(self) -> dict[str, Any]:
        return {"kind": kind_of(type(self))} | {name: _plain(getattr(self, name)) for name in type(self).model_fields}

    @model_validator(mode="wrap")
    @classmethod
    def _of_kind(cls, value: Any, handler: Any) -> Any:
        if not isinstance(value, dict):
            return handler(value)
        assert "kind" not in cls.model_fields, f"{cls.__name__}: 'kind' is taken"
        value = dict(value)
        wanted = part_class(value.pop("kind")) if "kind" in value else cls
        if not issubclass(wanted, cls):
            raise UserError(f"{wanted.__name__} stands where a {cls.__name__} is expected")
        if wanted is not cls:
            return wanted.model_validate(value)
        if inspect.isabstract(cls):
            raise UserError(f"there are several kinds of {cls.__name__}; say which in 'kind'")
        for name in value:
            if name not in cls.model_fields:
                raise UserError(unknown_field(cls, name))
        return handler(value)


def _plain(value: Any) -> Any:
    """Return `value` as what JSON can hold."""
    if isinstance(value, Part):
        return value.model_dump()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def unknown_field(cls: type[Part], name: str) -> str:
    """Return the sentence that refuses the field `name`, with the nearest known one."""
    known = list(cls.model_fields)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"known fields: {', '.join(known)}"
    return f"{cls.__name__} has no field '{name}'; {hint}"


def kind_of(cls: type[Part]) -> str:
    """Return `module:Class`; a class of the script that is being run goes by the script's name, as if imported."""
    module = cls.__module__
    if module == "__main__" and (file := getattr(sys.modules["__main__"], "__file__", None)):
        module = Path(file).stem
    return f"{module}:{cls.__qualname__}"


def part_class(kind: object) -> type[Part]:
    """Return the class behind `"module:Class"`, of the glad package or of code that this process has run already.

    Nothing else is imported or run for it: a recipe in JSON is data.
    """
    module, _, name = str(kind).partition(":")
    if module.split(".")[0] != "glad":
        return _defined(str(kind))
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        raise UserError(f"this version of glad has no part '{kind}'") from None
    if not (isinstance(found, type) and issubclass(found, Part)):
        raise UserError(f"'{kind}' is not a part of a recipe")
    return found


def _defined(kind: str) -> type[Part]:
    """Return the class of one's own code that is called `kind`; of several, the one defined last."""
    for cls in reversed(own_parts()):
        if kind_of(cls) == kind:
            return cls
    module = kind.partition(":")[0]
    raise UserError(
        f"'{kind}' is no part of the glad package, and a recipe in JSON runs no code; if you wrote it and trust it, "
        f"name its file: glad --code {module or 'FILE'}.py ..."
    )


def own_parts() -> list[type[Part]]:
    """Return every class of part outside the package that this process has defined, in that order."""
    found, seen = [], [Part]
    for cls in seen:  # it grows while it is walked
        seen += [child for child in cls.__subclasses__() if child not in seen]
        if cls.__module__.split(".")[0] != "glad":
            found.append(cls)
    return found
