"""The option --workers, as all commands take it: a number of processes, 0 or more."""

from typing import Annotated

from tyro.constructors import PrimitiveConstructorSpec


def _processes(words: list[str]) -> int:
    if (number := int(words[0])) < 0:
        raise ValueError(f"expected a number of processes, 0 or more, found {number}")
    return number


_OPTION = PrimitiveConstructorSpec(
    nargs=1,
    metavar="INT",
    instance_from_str=_processes,
    is_instance=lambda value: value is None or isinstance(value, int),
    str_from_instance=lambda value: [str(value)],
)
Workers = Annotated[int, _OPTION]
WorkersOrCores = Annotated[int | None, _OPTION]  # None, where the option is not given: as many as suit the machine
