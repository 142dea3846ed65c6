"""Models of timm by name: ``score_models("resnet*", batch)``.

Wightman, "PyTorch Image Models", https://github.com/huggingface/pytorch-image-models.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from torch import nn

from tegnas.data import Batch
from tegnas.errors import InputError
from tegnas.integrations.missing import import_extra
from tegnas.scoring.modules import ModuleScores, score_modules
from tegnas.scoring.settings import ScoreSettings

timm = import_extra("timm", "scoring models of timm", "timm")


def model_names(patterns: str | Sequence[str]) -> list[str]:
    """The models of timm that match one of the patterns (``resnet1*``, or a name), in its order.

    Raises ``InputError`` for a pattern that matches none.
    """
    given = [patterns] if isinstance(patterns, str) else list(patterns)
    found: dict[str, None] = {}
    for pattern in given:
        names = timm.list_models(pattern)
        if not names:
            raise InputError(
                f"timm {timm.__version__} has no model {pattern!r}; timm.list_models('*') lists "
                "them, and a pattern has a * where anything may stand"
            )
        found |= dict.fromkeys(names)
    return list(found)


def score_models(
    patterns: str | Sequence[str],
    batch: Batch,
    *,
    settings: ScoreSettings | None = None,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> ModuleScores:
    """Score models of timm at initialisation, see ``score_modules``; nothing is downloaded.

    A model that takes images of one size only sees the batch resized to that size; the others see
    it as it is.

    Args:
        patterns: see ``model_names``.

    Raises:
        InputError: timm is missing, or has no such model.
    """
    names = model_names(patterns)
    makers = {name: partial(make_model, name, batch.num_classes) for name in names}
    sides = {name: side for name in names if (side := fixed_side(name)) is not None}
    return score_modules(
        makers, batch, settings=settings, sides=sides, workers=workers, progress=progress
    )


def make_model(name: str, num_classes: int) -> nn.Module:
    """An untrained model of timm."""
    return timm.create_model(name, pretrained=False, num_classes=num_classes)


def fixed_side(name: str) -> int | None:
    """The side of the images that a model is made for; None where it takes any."""
    configuration = timm.get_pretrained_cfg(name)
    if configuration is None or not configuration.fixed_input_size:
        return None
    return configuration.input_size[-1]
