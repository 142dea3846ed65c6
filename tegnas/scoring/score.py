"""T, E and G of architectures: the call that everything else is built on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch

from tegnas.data import BatchLike, as_batch
from tegnas.errors import InputError
from tegnas.ops import compute_device
from tegnas.progress import progress_bar
from tegnas.scoring.best import best_of
from tegnas.scoring.patterns import pattern_notes
from tegnas.scoring.prepare import prepared
from tegnas.scoring.presets import as_settings
from tegnas.scoring.race import halvings
from tegnas.scoring.scorer import Scorer
from tegnas.scoring.scores import Scores, joined
from tegnas.scoring.settings import ScoreSettings, changed
from tegnas.spaces import Architecture, Space, as_architectures, as_space
from tegnas.spaces.isomorphism import representatives


def score(
    archs: Iterable[Architecture | str] | Architecture | str,
    batch: BatchLike,
    *,
    space: Space | str,
    settings: ScoreSettings | str | None = None,
    device: torch.device | str | None = None,
    best: int | None = None,
    progress: Callable[[int], None] | bool | None = None,
    **changes: Any,
) -> Scores:
    """Trainability, expressivity and generalization of architectures at initialisation.

    Method: TEG-NAS (arXiv 2108.11939), section 3; what each indicator is, its own value says
    (``tegnas.get_indicator``).

    Args:
        archs: architectures of ``space``, or their strings; one alone is a set of one.
        batch: labelled images or other examples (see ``load_batch``), or what they are drawn from:
            a source such as ``"digits"``, or arrays as a pair (x, y).
        space: the space that the architectures belong to, or its name.
        settings: how to score, or the name of a preset, by default ``"best"``; ``"paper"`` for κ, R
            and MSE as the paper computes them, ``"fast"`` with BatchNorm frozen. Keyword arguments
            with the names of its fields (``indicators``, ``repeats``, ``seed``, …) change single
            ones.
        device: ``"cpu"``, ``"cuda"`` or ``"cuda:N"``: where to compute, by default where the batch
            is. The numbers agree to rounding, and are on the CPU.
        best: how many of the best are wanted, where the others need no full score: after 1, 2, 4, …
            networks the worse half of those that got so far is given up, but never so many that
            fewer than ``best`` would be left (see ``tegnas.scoring.race``; the setting ``race``
            limits how often). Without it all networks of all are computed.
        progress: called with the number of architectures scored so far, equal ones once; True
            shows a bar, in a terminal or a notebook.

    Returns:
        ``Scores`` with one entry per architecture. An architecture without a path from input to
        output, or with a singular kernel, has the worst value, inf, in what is computed of kernels.

    Raises:
        InputError: a malformed architecture string or setting, ``share_isomorphic`` for a space
            without a canonical form, a device that isn't here, or ``best`` below 1 or of
            indicators that no small network has.

    Warns:
        BlindNetworkWarning: every architecture is singular in some of the networks, which were
            replaced.
    """
    space = as_space(space)
    settings = _with_race(changed(as_settings(settings), **changes), best)
    batch = as_batch(batch, train=settings.train, val=settings.val, seed=settings.seed)
    fitting = prepared(space, batch, settings)
    batch, settings = fitting.batch, fitting.settings
    if device is not None:
        batch = batch.to(compute_device(device))
    values = as_architectures(space, archs)
    scored = tuple(map(representatives(space), values)) if settings.share_isomorphic else values
    distinct = list(dict.fromkeys(scored))
    scorer = Scorer(space, batch, settings)
    with progress_bar("scores") if progress is True else nullcontext() as bar:
        show = progress if callable(progress) else None
        if bar is not None:
            show = partial(bar, total=len(distinct))
        if best is None or not distinct:
            table = _score(scorer, distinct, show)
        else:
            table = best_of(scorer, distinct, settings, best, show)
    rows = {arch: row for row, arch in enumerate(distinct)}
    taken = [rows[arch] for arch in scored]
    return Scores(
        values,
        settings,
        {name: networks[taken] for name, networks in table.networks.items()},
        (*fitting.notes, *pattern_notes(space, batch, settings)),
        getattr(space, "reference", space.name),
        None if table.computed is None else table.computed[taken],
    )


def _with_race(settings: ScoreSettings, best: int | None) -> ScoreSettings:
    """The settings of a race for the best; of none where all scores are wanted."""
    if best is None:
        return changed(settings, race=0)
    if type(best) is not int or best < 1:
        raise InputError(f"best must be a whole number, at least 1, got {best!r}")
    return changed(settings, race=settings.race or max(1, len(halvings(settings.repeats))))


def _score(
    scorer: Scorer, archs: Sequence[Architecture], progress: Callable[[int], None] | None
) -> Scores:
    if not archs:
        return scorer([])
    parts: list[Scores] = []
    done = 0
    for part in scorer.in_chunks(archs):
        parts.append(part)
        done += len(part)
        if progress is not None:
            progress(done)
    return joined(parts)
