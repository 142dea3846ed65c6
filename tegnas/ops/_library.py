"""Loads the compiled extension; nothing else in tegnas does."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from typing import Any

import torch

from tegnas.errors import InputError, NativeCodeError

# The extension calls torch through its stable ABI as it was then (setup.py).
OLDEST_TORCH = (2, 10)
# Rows of a matrix that a kernel on a GPU holds; larger ones go to cuSOLVER.
MOST_ROWS_ON_GPU = 128
# Of the refusal of ``check_machine_has`` (csrc/kernels/machine_memory.cpp).
_OF_MEMORY = " of memory at once and the machine has "
REBUILD = "run pip install --no-build-isolation . again"


def load() -> Any:
    """The module ``tegnas._C``; its import registers ``torch.ops.tegnas``.

    Raises ``NativeCodeError`` if torch is older than 2.10, if the extension is missing or doesn't
    load, or if TEGNAS_SIMD asks for instructions that this machine lacks.
    """
    if _release(torch.__version__) < OLDEST_TORCH:
        raise NativeCodeError(
            f"tegnas needs torch 2.10 or newer and torch {torch.__version__} is installed; run pip "
            "install --upgrade 'torch>=2.10'"
        )
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
        module.build_info()
    except RuntimeError as error:  # TEGNAS_SIMD names what this machine lacks
        raise NativeCodeError(str(error)) from None
    return module


def _release(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


native = load()


def call(name: str, *operands: Any) -> Any:
    """Calls an operator of ``torch.ops.tegnas``.

    Raises ``ValueError`` or ``TypeError``, in one sentence, where the operands don't fit, and
    ``InputError`` where the machine's memory isn't enough. Through torch's stable ABI all come as
    ``ValueError`` (``csrc/ops/refusing.h``).
    """
    try:
        return getattr(torch.ops.tegnas, name)(*operands)
    except ValueError as error:
        sentence = str(error)
        if sentence.startswith("TypeError: "):
            raise TypeError(sentence.removeprefix("TypeError: ")) from None
        if _OF_MEMORY in sentence:
            raise InputError(sentence) from None
        raise


def too_large_for_gpu(matrices: torch.Tensor) -> bool:
    """Whether square matrices lie on a GPU and have more rows than a kernel there holds."""
    square = matrices.ndim >= 2 and matrices.shape[-1] == matrices.shape[-2]
    return matrices.is_cuda and square and matrices.shape[-1] > MOST_ROWS_ON_GPU


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
    ``compiler``, ``torch`` (the version compiled against; it loads in every one from 2.10 on).
    """
    return dict(native.build_info())


def native_ops() -> list[str]:
    """Names of the registered operators, such as ``"tegnas::ntk_gram"``, sorted."""
    names = torch._C._dispatch_get_all_op_names()
    return sorted(name for name in names if name.startswith("tegnas::"))
