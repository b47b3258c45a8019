"""Arguments under the names that they had in an earlier release."""

import functools
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

Given = ParamSpec("Given")
Result = TypeVar("Result")


def accept_old_names(**names: str) -> Callable[[Callable[Given, Result]], Callable[Given, Result]]:
    """A decorator for functions whose arguments were renamed: old name = new name.

    The old name still works, with a `DeprecationWarning`; signature and type know the new one alone. A call with both
    raises `TypeError`.
    """

    def decorate(function: Callable[Given, Result]) -> Callable[Given, Result]:
        @functools.wraps(function)
        def run(*arguments: Given.args, **options: Given.kwargs) -> Result:
            for old, new in names.items():
                if old in options:
                    if new in options:
                        raise TypeError(f"{old} is the old name of {new}; give {new} alone")
                    message = f"{old} is now called {new}; the old name goes in 0.2"
                    warnings.warn(message, DeprecationWarning, stacklevel=2)
                    options[new] = options.pop(old)
            return function(*arguments, **options)

        return run

    return decorate
