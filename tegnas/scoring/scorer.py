"""Scores architectures by all indicators of some settings, whatever they are computed from."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor

from tegnas.data import Batch
from tegnas.indicators.base import Indicator
from tegnas.indicators.sources import Architecture as FromArchitecture
from tegnas.indicators.sources import Network as FromNetwork
from tegnas.scoring.needs import SmallNetworkNeeds
from tegnas.scoring.scores import Scores
from tegnas.scoring.seeds import usable_seeds, warn_of
from tegnas.scoring.settings import ScoreSettings
from tegnas.scoring.shrink import small_batch
from tegnas.scoring.small_networks import SmallNetworkScorer
from tegnas.spaces import Architecture, Space


class Scorer:
    """Scores architectures of one space on one batch.

    What indicators share is computed once: one kernel, one count of patterns, one network.
    Computes on the device of the batch.

    Args:
        space: of the architectures.
        batch: the images; small networks see them shrunk as the settings say.
        settings: which indicators, and how.
        seeds: of the small networks; by default those of ``usable_seeds``, with a warning where
            it replaced some.

    Attributes:
        chunk: how many architectures to score at once.
        seeds: of the small networks.
    """

    def __init__(
        self,
        space: Space,
        batch: Batch,
        settings: ScoreSettings,
        seeds: Sequence[int] | None = None,
    ) -> None:
        self._space = space
        self._batch = batch
        self._settings = settings
        small = small_batch(space, batch, settings)
        if seeds is None:
            found = usable_seeds(space, small, settings)
            warn_of(found, stacklevel=3)
            seeds = found.seeds
        self.seeds = tuple(seeds)
        needs = SmallNetworkNeeds.of(settings)
        self._small_batch = small
        # Of some of the networks, by which they are.
        self._parts: dict[range, SmallNetworkScorer] = {}
        self._small = (
            SmallNetworkScorer(space, small, settings, self.seeds) if needs.networks else None
        )

    @property
    def chunk(self) -> int:
        """How many architectures to score at once."""
        return 64 if self._small is None else self._small.chunk

    def in_chunks(
        self, archs: Sequence[Architecture], networks: range | None = None
    ) -> Iterator[Scores]:
        """The scores of architectures chunk by chunk, in order.

        Of some of the small networks where ``networks`` says which of ``seeds``; what isn't
        computed of small networks belongs to the first of them.

        On a GPU the next chunk is begun before one is waited for: while the device computes one,
        the host writes the programs of the next and does with the one before what its taker does.
        """
        scorer = self._small_scorer(networks)
        ahead = 0 if scorer is None else scorer.ahead
        begun: deque[Callable[[], Scores]] = deque()
        first = 0
        while begun or first < len(archs):
            if first < len(archs) and len(begun) <= ahead:
                size = self.chunk if scorer is None else scorer.chunk
                chunk = tuple(archs[first : first + size])
                begun.append(self._begin(chunk, networks))
                first += len(chunk)
            else:
                yield begun.popleft()()

    def __call__(self, archs: Sequence[Architecture], networks: range | None = None) -> Scores:
        """The scores of some architectures, on the CPU."""
        return self._begin(archs, networks)()

    def _begin(self, archs: Sequence[Architecture], networks: range | None) -> Callable[[], Scores]:
        """Leaves to a GPU what it can; what is given does the rest."""
        scorer = self._small_scorer(networks)
        small = dict if scorer is None or not archs else scorer.begin(archs)
        if networks is not None and networks.start > 0:
            return lambda: Scores(tuple(archs), self._settings, small())
        return lambda: self._finish(archs, small())

    def _small_scorer(self, networks: range | None) -> SmallNetworkScorer | None:
        """Of these of the small networks."""
        if networks is None or self._small is None:
            return self._small
        if networks not in self._parts:
            self._parts[networks] = SmallNetworkScorer(
                self._space,
                self._small_batch,
                self._settings,
                self.seeds[networks.start : networks.stop],
            )
        return self._parts[networks]

    def _finish(self, archs: Sequence[Architecture], values: dict[str, Tensor]) -> Scores:
        """The scores, with the values of small networks given."""
        if not archs:
            values = {each.name: torch.zeros(0, 1).double() for each in self._settings.indicators}
        of_networks = [
            each for each in self._settings.indicators if isinstance(each.source, FromNetwork)
        ]
        if archs and of_networks:
            rows = [self._of_networks(arch, of_networks) for arch in archs]
            values |= {
                each.name: torch.tensor([row[each.name] for row in rows], dtype=torch.float64)
                for each in of_networks
            }
        for each in self._settings.indicators:
            if archs and isinstance(each.source, FromArchitecture):
                numbers = [float(each.compute(arch, self._space, self._batch)) for arch in archs]
                values[each.name] = torch.tensor(numbers, dtype=torch.float64)[:, None]
        return Scores(tuple(archs), self._settings, values)

    def _of_networks(
        self, arch: Architecture, indicators: Sequence[Indicator]
    ) -> dict[str, list[float]]:
        """Each network is made once for all indicators that look at it."""
        values: dict[str, list[float]] = {each.name: [] for each in indicators}
        looked_at = {
            (each.source.kind, network)
            for each in indicators
            if isinstance(each.source, FromNetwork)
            for network in range(each.source.networks)
        }
        for kind, network in sorted(looked_at):
            module = self._space.network(
                arch,
                kind,
                num_classes=self._batch.num_classes,
                seed=self._settings.seed + network,
            ).to(self._batch.images.device)
            for each in indicators:
                source = each.source
                assert isinstance(source, FromNetwork)
                if source.kind == kind and network < source.networks:
                    value = float(each.compute(module, self._batch.images, self._batch.labels))
                    values[each.name].append(each.worst if math.isnan(value) else value)
        return values


def as_tensors(networks: dict[str, list[list[float]]]) -> dict[str, Tensor]:
    """Values that travelled as plain lists."""
    return {name: torch.tensor(rows, dtype=torch.float64) for name, rows in networks.items()}
