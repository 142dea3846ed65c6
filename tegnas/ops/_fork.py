"""Forked children compute with one thread where the parent's threads were at work before."""

from __future__ import annotations

import os

import torch

from tegnas.ops._library import native


def _take_one_thread() -> None:
    """Threads don't survive a fork, but the pool of a child still waits for them.

    Native code sees to itself (``csrc/ops/threads.cpp``); this is for what torch computes in
    between.
    """
    if native.pool_stayed_behind():
        torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):  # not on Windows, which doesn't fork
    os.register_at_fork(after_in_child=_take_one_thread)
