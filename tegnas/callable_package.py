"""A package that is a function as well, so that ``tegnas.search`` is both."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


def make_callable(name: str, function: Callable[..., Any]) -> None:
    """Let ``package(…)`` be ``function(…)``, whichever of the two is imported first.

    Args:
        name: of the package, which is imported.
        function: with the signature that the package then shows.
    """

    class CallablePackage(ModuleType):
        __signature__ = inspect.signature(function)

        def __call__(self, *args: Any, **named: Any) -> Any:
            return function(*args, **named)

    sys.modules[name].__class__ = CallablePackage
