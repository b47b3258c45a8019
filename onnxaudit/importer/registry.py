"""The operators that the importer knows.

An operator is a plain function whose signature is its ONNX schema: inputs positional, attributes keyword-only with
the spec's names and defaults. Five conventions go beyond the schema:

- an input named in `static` is wanted as a Python value (a list of ints, a number) because it shapes the computation
  rather than taking part in it. A constant arrives as such; a tensor computed on the way still arrives as a tensor,
- of an input named in `described` only the shape or the type is read,
- an input named in `settings` is no weight even where it is a stored float (the scale of a quantized tensor),
- a keyword `outputs` receives how many of the node's outputs somebody reads; such operators return a tuple,
- an attribute that holds a graph arrives as a `Subgraph`.
"""

import inspect
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from onnxaudit.intake.declarations import STANDARD_DOMAINS

MICROSOFT = "com.microsoft"
CLASSICAL = "ai.onnx.ml"
NEWEST_OPSET = 28  # of ONNX's own domain; the newest whose operators were compared with the specification

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Operator:
    """One version of one operator.

    Attributes:
        function: computes the outputs from the inputs.
        since: first opset in which this version stands.
        inputs: names of the positional parameters; the last one may stand for all that follow.
        variadic: whether the last input repeats.
        attributes: keyword parameters with their defaults.
        static: positions of the inputs that are wanted as Python values.
        described: positions of the inputs whose values are not read.
        settings: positions of the inputs that are no weights.
    """

    function: Callable[..., Any]
    since: int
    inputs: tuple[str, ...]
    variadic: bool
    attributes: Mapping[str, Any]
    static: frozenset[int]
    described: frozenset[int]
    settings: frozenset[int]


_REGISTRY: dict[tuple[str, str], list[Operator]] = defaultdict(list)


def op(
    name: str,
    *,
    since: int = 1,
    domain: str = "",
    static: tuple[str, ...] = (),
    described: tuple[str, ...] = (),
    settings: tuple[str, ...] = (),
) -> Callable[[F], F]:
    """Register a function as `domain::name` from opset `since` on."""

    def register(function: F) -> F:
        versions = _REGISTRY[domain, name]
        names, variadic, attributes = _read_signature(function)
        positions = [frozenset(names.index(name) for name in group) for group in (static, described, settings)]
        versions.append(Operator(function, since, names, variadic, attributes, *positions))
        versions.sort(key=lambda operator: operator.since)
        return function

    return register


def find_operator(domain: str, name: str, opset: int) -> Operator | None:
    """The newest version of `domain::name` that stands in `opset`, or None where there is none."""
    domain = "" if domain in STANDARD_DOMAINS else domain
    standing = [operator for operator in _REGISTRY.get((domain, name), ()) if operator.since <= opset]
    return standing[-1] if standing else None


def list_operators() -> dict[tuple[str, str], tuple[Operator, ...]]:
    """Every registered operator by domain and name, oldest version first."""
    return {key: tuple(versions) for key, versions in sorted(_REGISTRY.items())}


def _read_signature(function: Callable[..., Any]) -> tuple[tuple[str, ...], bool, dict[str, Any]]:
    parameters = inspect.signature(function).parameters.values()
    inputs = [parameter for parameter in parameters if parameter.kind is not parameter.KEYWORD_ONLY]
    variadic = bool(inputs) and inputs[-1].kind is inspect.Parameter.VAR_POSITIONAL
    attributes = {parameter.name: parameter.default for parameter in parameters if parameter not in inputs}
    return tuple(parameter.name for parameter in inputs), variadic, attributes


def make_operator(function: Callable[..., Any], *inputs: str, settings: tuple[str, ...] = ()) -> Operator:
    """An operator of our own, which no file can name; `settings` are the inputs that are no weights."""
    return Operator(
        function=function,
        since=1,
        inputs=inputs,
        variadic=False,
        attributes={},
        static=frozenset(),
        described=frozenset(),
        settings=frozenset(inputs.index(name) for name in settings),
    )
