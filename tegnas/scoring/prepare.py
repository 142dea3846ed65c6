"""Batch and settings as a space is in fact scored by them, with a sentence for what was changed."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from tegnas.data import Batch
from tegnas.indicators.base import EXPRESSIVITY, Indicator
from tegnas.indicators.kernel_rank import KERNEL_RANK
from tegnas.indicators.sources import Distances, Patterns
from tegnas.regions import NoRegionsError, inputs_of
from tegnas.scoring.blindness import CEILING
from tegnas.scoring.seeds import connected_samples
from tegnas.scoring.settings import ScoreSettings, settings_for
from tegnas.scoring.shrink import small_batch
from tegnas.scoring.small_networks import SmallNetworkScorer
from tegnas.spaces import Architecture, ProgramSpace, Space
from tegnas.spaces.base import TORCH, small_network_kinds

# Architectures that regions are counted of before they are trusted.
_PROBES = 8


@dataclass(frozen=True)
class Prepared:
    """What a space is scored by.

    Attributes:
        batch: with the channels that the networks of the space take.
        settings: with the engine that runs them, and the indicators that say something.
        notes: a sentence where another indicator took the place of one, or none did.
    """

    batch: Batch
    settings: ScoreSettings
    notes: tuple[str, ...] = ()


def prepared(space: Space, batch: Batch, settings: ScoreSettings) -> Prepared:
    """The batch and the settings that fit the space.

    - Grey images become three equal channels for networks that take these, and the other way round
      (``image_channels`` of the space).
    - Examples that aren't images are scored by PyTorch modules: programs of the native engine are
      of images.
    - Where the regions of every architecture that is tried are undefined or at their ceiling, the
      effective rank of the kernel (``kernel_rank``) takes the place of ``linear_regions``, unless
      that is all that is asked for. Spaces that say on which inputs regions are counted, as all
      published ones do, are taken at their word about the ceiling.
    - Where no architecture that is tried has an activation that bends, indicators of distances
      between patterns are left out, unless there are no others.
    """
    channels = getattr(space, "image_channels", None)
    if channels is not None:
        batch = batch.with_channels(channels)
    settings = settings_for(space, settings)
    if not batch.of_images and settings.engine != TORCH:
        settings = replace(settings, engine=TORCH)
    indicators, notes = settings.indicators, []
    blind = _patterns_of_no_use(space, batch, settings)
    if blind:
        indicators = tuple(
            KERNEL_RANK.weighing(each.weight) if _is_expressivity_of_patterns(each) else each
            for each in indicators
        )
        notes.append(f"{KERNEL_RANK.label}, the {KERNEL_RANK.title}, takes the place of R: {blind}")
    undefined = _without_patterns(space, batch, settings)
    if undefined:
        indicators = tuple(each for each in indicators if each not in undefined)
        left_out = ", ".join(each.symbol for each in undefined)
        notes.append(f"{left_out} is left out: no activation bends in these networks")
    if notes:
        settings = replace(settings, indicators=indicators)
    return Prepared(batch, settings, tuple(notes))


def _is_expressivity_of_patterns(indicator: Indicator) -> bool:
    return isinstance(indicator.source, Patterns) and indicator.role == EXPRESSIVITY


def _patterns_of_no_use(space: Space, batch: Batch, settings: ScoreSettings) -> str:
    """Why expressivity by patterns says nothing about the space; empty where it does."""
    found = [each for each in settings.indicators if _is_expressivity_of_patterns(each)]
    if len(found) != 1 or len(settings.indicators) == 1 or KERNEL_RANK.name in settings.names:
        return ""
    probes = list(itertools.islice(connected_samples(space), _PROBES))
    if isinstance(space, ProgramSpace) or not probes:
        return ""
    scorer = _first_network(space, batch, settings, found)
    counts = [count for each in probes if (count := _value(scorer, each, found[0])) is not None]
    if not counts:
        return "linear regions aren't defined for these networks: no activation bends in them"
    ceiling = settings.region_samples
    at_ceiling = min(counts) >= CEILING * ceiling
    if at_ceiling and not _inputs_are_chosen(space, probes[0], batch, settings):
        return (
            f"linear regions are at their ceiling ({ceiling:,} inputs) in each of {len(probes)} "
            "architectures tried; a space may name smaller inputs by region_input_shape"
        )
    return ""


def _without_patterns(space: Space, batch: Batch, settings: ScoreSettings) -> tuple[Indicator, ...]:
    """The indicators of distances between patterns, where no network has patterns."""
    found = tuple(each for each in settings.indicators if isinstance(each.source, Distances))
    if not found or len(found) == len(settings.indicators) or isinstance(space, ProgramSpace):
        return ()
    scorer = _first_network(space, batch, settings, found)
    probes = list(itertools.islice(connected_samples(space), _PROBES))
    defined = any(_value(scorer, each, found[0]) is not None for each in probes)
    return found if probes and not defined else ()


def _inputs_are_chosen(
    space: Space, arch: Architecture, batch: Batch, settings: ScoreSettings
) -> bool:
    """Whether the inputs of the region count were made for the networks, by whoever made these."""
    _, kind = small_network_kinds(space, settings.small_networks)
    network = space.network(arch, kind, num_classes=batch.num_classes, seed=settings.seed)
    if inputs_of(network, batch.images) is not None:
        return True
    return batch.of_images and not hasattr(network, "region_image_side")


def _first_network(
    space: Space, batch: Batch, settings: ScoreSettings, indicators: Sequence[Indicator]
) -> SmallNetworkScorer:
    alone = replace(settings, indicators=tuple(indicators), ridge=0.0)
    return SmallNetworkScorer(space, small_batch(space, batch, settings), alone, [settings.seed])


def _value(scorer: SmallNetworkScorer, arch: Architecture, indicator: Indicator) -> float | None:
    """None where the network has no patterns."""
    try:
        return float(scorer([arch])[indicator.name][0, 0])
    except NoRegionsError:
        return None
