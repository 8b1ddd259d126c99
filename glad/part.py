"""What every piece of a recipe is: a frozen value that refuses unknown fields and knows its own import path."""

import difflib
import importlib
import inspect
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_serializer, model_validator

from glad.errors import UserError

Share = Annotated[float, Field(ge=0, le=1)]  # of a whole; a probability


class Part(BaseModel):
    """Base of all configuration values. Frozen; an unknown field is refused with the nearest known name.

    As JSON a part carries `"kind": "module:Class"`, so that a field typed with a general part (any method, any
    backbone) reads back as the very class that was written. Only classes inside the `glad` package are looked up.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    @model_serializer(mode="plain")
    def _with_kind(self) -> dict[str, Any]:
        kind = f"{type(self).__module__}:{type(self).__qualname__}"
        return {"kind": kind} | {name: _plain(getattr(self, name)) for name in type(self).model_fields}

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


def part_class(kind: object) -> type[Part]:
    """Return the class behind `"glad.module:Class"`; anything else is refused and nothing is executed for it."""
    module, _, name = str(kind).partition(":")
    if module.split(".")[0] != "glad":
        raise UserError(f"a recipe in JSON may only name parts of the glad package, not '{kind}'")
    try:
        found = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        raise UserError(f"this version of glad has no part '{kind}'") from None
    if not (isinstance(found, type) and issubclass(found, Part)):
        raise UserError(f"'{kind}' is not a part of a recipe")
    return found
