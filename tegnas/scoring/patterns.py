"""What R counts in the networks of a space, in words where it isn't linear regions."""

from __future__ import annotations

import random

import torch

from tegnas.data import Batch
from tegnas.kernel.batch_statistics import batch_statistics
from tegnas.regions import NoRegionsError, region_inputs
from tegnas.regions.activations import Counted
from tegnas.regions.count import Regions, probed, units_of
from tegnas.scoring.needs import SmallNetworkNeeds
from tegnas.scoring.region_sources import RegionSources
from tegnas.scoring.settings import ScoreSettings
from tegnas.scoring.shrink import small_batch
from tegnas.spaces import ProgramSpace, Space
from tegnas.spaces.base import small_network_kinds

# Linear regions where there are such, and the signs of what enters GELU and its like.
SCORED = Counted(smooth=True)


def pattern_notes(space: Space, batch: Batch, settings: ScoreSettings) -> tuple[str, ...]:
    """A sentence where R is no number of linear regions, as the first network shows.

    Spaces that write the programs of their networks themselves have no smooth activations in them.
    """
    if isinstance(space, ProgramSpace) or not SmallNetworkNeeds.of(settings).of_patterns:
        return ()
    _, kind = small_network_kinds(space, settings.small_networks)
    network = space.network(
        space.sample(random.Random(0)), kind, num_classes=batch.num_classes, seed=settings.seed
    )
    source = RegionSources(space, kind, small_batch(space, batch, settings)).of(network)
    (inputs,) = region_inputs(source, samples=2, batch_size=2, seed=0)
    try:
        with torch.no_grad(), batch_statistics(network, "frozen"):
            found = probed(network, inputs, SCORED)
    except NoRegionsError:
        return ()  # said once it is counted
    return Regions(0, 0, *units_of(found.calls)).of_signs()
