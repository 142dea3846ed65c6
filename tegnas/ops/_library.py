"""Loads the compiled extension; nothing else in tegnas does."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import torch

from tegnas.errors import NativeCodeError

REBUILD = "run pip install --no-build-isolation . again with the torch that is installed now"


def load() -> Any:
    """The module ``tegnas._C``; its import registers ``torch.ops.tegnas``.

    Raises ``NativeCodeError`` if it is missing, was compiled against another torch, or if
    TEGNAS_SIMD asks for instructions that this machine lacks.
    """
    try:
        module = importlib.import_module("tegnas._C")
    except ModuleNotFoundError:
        raise NativeCodeError(f"the compiled extension tegnas._C is missing; {REBUILD}") from None
    except ImportError as error:
        raise NativeCodeError(
            f"the compiled extension tegnas._C doesn't load with torch {torch.__version__} "
            f"({error}); {REBUILD}"
        ) from None
    try:
        built = module.build_info()["torch"]
    except RuntimeError as error:  # TEGNAS_SIMD names what this machine lacks
        raise NativeCodeError(str(error)) from None
    if _release(built) != _release(torch.__version__):
        raise NativeCodeError(
            f"tegnas._C was compiled against torch {built}, but torch {torch.__version__} is "
            f"installed; {REBUILD}"
        )
    return module


def _release(version: str) -> str:
    return ".".join(version.split("+")[0].split(".")[:2])


native = load()


def register_fake(name: str, compute: Callable[..., Any]) -> None:
    """Tells torch the shapes and dtypes of an operator's results, for tracing without data.

    Raises ``NativeCodeError`` if the extension lacks the operator.
    """
    if not hasattr(torch.ops.tegnas, name):
        raise NativeCodeError(
            f"the compiled extension tegnas._C is out of date: it lacks {name}; {REBUILD}"
        )
    torch.library.register_fake(f"tegnas::{name}", compute)


def build_info() -> dict[str, Any]:
    """How the extension was built and runs.

    Keys: ``simd`` (the instruction set in use: avx512, avx2 or portable; the environment variable
    TEGNAS_SIMD lowers it), ``cuda`` (whether CUDA kernels are in), ``cuda_arch_list``,
    ``compiler``, ``torch`` (the version compiled against).
    """
    return dict(native.build_info())


def native_ops() -> list[str]:
    """Names of the registered operators, such as ``"tegnas::ntk_gram"``, sorted."""
    names = torch._C._dispatch_get_all_op_names()
    return sorted(name for name in names if name.startswith("tegnas::"))
