"""T, E and G of architectures: the call that everything else is built on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from tegnas.data import Batch
from tegnas.ops import compute_device
from tegnas.scoring.presets import default_settings
from tegnas.scoring.scorer import Scorer
from tegnas.scoring.scores import Scores
from tegnas.scoring.settings import ScoreSettings
from tegnas.spaces import Architecture, Space
from tegnas.spaces.isomorphism import representatives
from tegnas.spaces.sizes import parameter_counts


def score(
    archs: Iterable[Architecture | str],
    batch: Batch,
    *,
    space: Space,
    settings: ScoreSettings | None = None,
    device: torch.device | str | None = None,
    progress: Callable[[int], None] | None = None,
    **changes: Any,
) -> Scores:
    """Trainability, expressivity and generalization of architectures at initialisation.

    Method: TEG-NAS (arXiv 2108.11939), section 3; the exact definitions are in the documentation
    of ``ntk``, ``count_regions``, ``ops.kernel_regression_error`` and, for another pair of T and G,
    ``left_out``.

    Args:
        archs: architectures of ``space``, or their strings.
        batch: labelled images (see ``load_batch``).
        space: the space that the architectures belong to.
        settings: how to score, by default the preset ``best``; ``ScoreSettings()`` for κ, R and MSE
            as the paper defines them, BatchNorm frozen. Keyword arguments with the names of its
            fields (``batch_norm``, ``repeats``, ``seed``, ``share_isomorphic``, …) change single
            ones.
        device: ``"cpu"``, ``"cuda"`` or ``"cuda:N"``: where to compute, by default where the batch
            is. The scores are the same to rounding, and on the CPU.
        progress: called with the number of architectures scored so far, equal ones once.

    Returns:
        ``Scores`` with one entry per architecture. An architecture without a path from input to
        output, or with a singular kernel, has κ = MSE = inf.

    Raises:
        InputError: a malformed architecture string or setting, ``share_isomorphic`` for a space
            without a canonical form, or a device that isn't here.
    """
    settings = replace(settings or default_settings(), **changes)
    if device is not None:
        batch = batch.to(compute_device(device))
    values = tuple(space.parse(arch) if isinstance(arch, str) else arch for arch in archs)
    scored = tuple(map(representatives(space), values)) if settings.share_isomorphic else values
    distinct = list(dict.fromkeys(scored))
    table = _score(Scorer(space, batch, settings), distinct, settings.repeats, progress)
    rows = {arch: row for row, arch in enumerate(distinct)}
    parameters = parameter_counts(space, values) if settings.parameters else None
    return Scores.from_table(
        values,
        table[[rows[arch] for arch in scored]],
        None if parameters is None else torch.from_numpy(parameters),
        settings.combination,
        settings.average,
    )


def _score(
    scorer: Scorer,
    archs: Sequence[Architecture],
    repeats: int,
    progress: Callable[[int], None] | None,
) -> Tensor:
    parts = [torch.zeros(0, repeats, 3, dtype=torch.float64)]
    done = 0
    while done < len(archs):
        chunk = archs[done : done + scorer.chunk]
        parts.append(scorer(chunk))
        done += len(chunk)
        if progress is not None:
            progress(done)
    return torch.cat(parts)
