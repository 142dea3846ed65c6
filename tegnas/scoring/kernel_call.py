"""The ``engine_ntk`` call that settings ask for: what it launches is known without images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from tegnas.ops import EngineJobs, Launch, engine_plan
from tegnas.scoring.jobs import JobMaker
from tegnas.scoring.needs import SmallNetworkNeeds
from tegnas.scoring.settings import ScoreSettings
from tegnas.spaces import Architecture, Space
from tegnas.spaces.base import small_network_kinds

# What images are that settings leave as they are: those of CIFAR.
_SIDE = 32


@dataclass(frozen=True)
class KernelCall:
    """One ``engine_ntk`` call.

    Attributes:
        jobs: the networks.
        image_shape: (C, H, W), as the networks see images.
        images: of the first batch.
        others: of the second, 0 without one.
        batch_norm: ``"frozen"`` or ``"coupled"``.
    """

    jobs: EngineJobs
    image_shape: tuple[int, int, int]
    images: int
    others: int
    batch_norm: str

    @classmethod
    def of(
        cls,
        space: Space,
        settings: ScoreSettings,
        archs: Sequence[Architecture],
        *,
        device: torch.device | str = "cpu",
    ) -> KernelCall:
        """The call for the kernels of some architectures, on colour images of ten classes."""
        side = min(_SIDE, settings.image_size or _SIDE)
        kind, _ = small_network_kinds(space, settings.small_networks)
        maker = JobMaker(
            space,
            kind,
            num_classes=10,
            image_shape=(3, side, side),
            seeds=range(settings.seed, settings.seed + settings.repeats),
            device=device,
        )
        return cls(
            maker.make(archs),
            (3, side, side),
            settings.train,
            settings.val if SmallNetworkNeeds.of(settings).validation else 0,
            settings.batch_norm,
        )

    def launches(self, memory: int) -> list[Launch]:
        """What it launches on a GPU, with so many bytes for networks that run at once."""
        return engine_plan(
            self.jobs.codes,
            self.jobs.programs.tolist(),
            images=self.images,
            others=self.others,
            batch_norm=self.batch_norm,
            memory=memory,
        )
