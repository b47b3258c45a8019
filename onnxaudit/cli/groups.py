"""Options that several commands share, written once.

A command takes a group as one argument, a frozen dataclass; on the command line each of its fields is an option. Where
a group names its `PANEL`, help shows its options under that heading.
"""

import copy
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Annotated, Any, get_args

from typer.models import OptionInfo


def spread_groups(command: Callable[..., int]) -> Callable[..., int]:
    """The same command with one keyword for each field in place of a group."""
    parameters = inspect.signature(command).parameters.values()
    groups: dict[str, Any] = {one.name: one.annotation for one in parameters if is_dataclass(one.annotation)}

    @functools.wraps(command)
    def run(**given: Any) -> int:
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        return command(**given)

    # typer reads both.
    run.__signature__ = inspect.Signature(list(_spread(parameters, groups)))  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in _spread(parameters, groups)}
    return run


def _spread(parameters: Any, groups: Mapping[str, Any]) -> Iterator[inspect.Parameter]:
    for parameter in parameters:
        if parameter.name not in groups:
            yield parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
            continue
        group = groups[parameter.name]
        for field in fields(group):
            annotation = _put_under(field.type, getattr(group, "PANEL", None))
            yield inspect.Parameter(
                field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=annotation
            )


def _put_under(annotation: Any, panel: str | None) -> Any:
    """The annotation of an option, which help shows under a heading."""
    kind, *told = get_args(annotation)
    placed = []
    for one in told:
        info = copy.copy(one)
        if isinstance(info, OptionInfo) and info.rich_help_panel is None:
            info.rich_help_panel = panel
        placed.append(info)
    return Annotated[(kind, *placed)]
