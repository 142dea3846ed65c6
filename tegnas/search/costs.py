"""What a network costs: parameters, operations, time of one image."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from tegnas.errors import InputError
from tegnas.spaces import Architecture, Space
from tegnas.spaces.sizes import full_flops, full_parameters

COSTS = ("params", "flops", "latency")

_WARM_UP = 3
_RUNS = 11


class CostMeter:
    """Costs of the full networks of a space, each measured once.

    Args:
        space: of the architectures.
        image_shape: of one example, (C, H, W) of an image.
        num_classes: of the classifier.
        image_dtype: of examples.
        device: where latency is measured, ``"cpu"`` or ``"cuda"``.
        recall, record: where costs are kept between runs, so that a measured latency, and with it
            a search, is the same when it is resumed: ``recall(architecture, name)`` gives a cost
            or None, ``record(architecture, name, cost)`` keeps it.
        measured: called after every latency with how many were measured, each of which takes long.
    """

    def __init__(
        self,
        space: Space,
        image_shape: tuple[int, ...],
        num_classes: int,
        *,
        image_dtype: torch.dtype = torch.float32,
        device: str = "cpu",
        recall: Callable[[str, str], float | None] | None = None,
        record: Callable[[str, str, float], None] | None = None,
        measured: Callable[[int], None] | None = None,
    ) -> None:
        if torch.device(device).type == "cuda" and not torch.cuda.is_available():
            raise InputError("latency can't be measured on cuda: torch sees no CUDA device here")
        self._space = space
        self._image_shape = image_shape
        self._image_dtype = image_dtype
        self._num_classes = num_classes
        self._device = device
        self._recall = recall or (lambda arch, name: None)
        self._record = record or (lambda arch, name, cost: None)
        self._measured = measured or (lambda count: None)
        self._count = 0
        self._known: dict[tuple[Architecture, str], float] = {}

    def __call__(self, arch: Architecture, name: str) -> float:
        """One cost: ``params``, ``flops`` of one image (a multiply-add counts one) or ``latency``.

        Parameters are those of the network in use, without an auxiliary classifier.
        Latency is the median time of one image in milliseconds, in evaluation mode.
        """
        if (arch, name) not in self._known:
            key = f"latency on {self._device}" if name == "latency" else name
            cost = self._recall(str(arch), key)
            if cost is None:
                cost = self._measure(arch, name)
                self._record(str(arch), key, cost)
            self._known[arch, name] = cost
        return self._known[arch, name]

    def _measure(self, arch: Architecture, name: str) -> float:
        if name == "latency":
            latency = self._latency(self._network(arch).to(self._device).eval())
            self._count += 1
            self._measured(self._count)
            return latency
        if name == "params":
            size = full_parameters(self._space, arch, self._num_classes)
        else:
            size = full_flops(
                self._space, arch, self._num_classes, self._image_shape, self._image_dtype
            )
        assert size is not None  # limits and fronts are of architectures, not of supernets
        return size

    def _network(self, arch: Architecture) -> nn.Module:
        return self._space.network(arch, "full", num_classes=self._num_classes)

    def _latency(self, network: nn.Module) -> float:
        image = torch.zeros(1, *self._image_shape, dtype=self._image_dtype, device=self._device)
        on_cuda = image.is_cuda
        times = []
        with torch.inference_mode():
            for _ in range(_WARM_UP + _RUNS):
                start = time.perf_counter()
                network(image)
                if on_cuda:
                    torch.cuda.synchronize()
                times.append(time.perf_counter() - start)
        return 1e3 * statistics.median(times[_WARM_UP:])
