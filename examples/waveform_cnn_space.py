"""A search space of one's own on waveforms: 1-d convolutions of one or several channels.

    python examples/waveform_cnn_space.py waves.npz
    tegnas search --space examples/waveform_cnn_space.py:SPACE --images arrays:waves.npz --budget 50

The first command writes a file to try it on. ``arrays:`` takes the examples (N, channels, length)
as they are; a plain ``waves.npz`` of three dimensions would be read as grey images.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

import numpy as np
from torch import nn

from tegnas.spaces import ChoiceSpace

LENGTH = 64
CHOICES = {"channels": (16, 32), "kernel": (3, 7), "depth": (1, 2, 3), "stride": (1, 2)}


def build(choices: Mapping[str, int], num_classes: int) -> nn.Module:
    channels, kernel = choices["channels"], choices["kernel"]
    layers: list[nn.Module] = []
    for read in (1, *[channels] * (choices["depth"] - 1)):
        layers += [
            nn.Conv1d(
                read, channels, kernel, stride=choices["stride"], padding=kernel // 2, bias=False
            ),
            nn.BatchNorm1d(channels),
            nn.ReLU(),
        ]
    return nn.Sequential(
        *layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(channels, num_classes)
    )


SPACE = ChoiceSpace("waveform-cnn", CHOICES, build, region_input_shape=(1, 3))


def example_waves(count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    """Noisy sines, of four classes by their frequency."""
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 4
    time = np.arange(LENGTH) / LENGTH
    phase = rng.uniform(0, 2 * np.pi, (count, 1))
    waves = np.sin(2 * np.pi * (2 + 3 * labels[:, None]) * time + phase)
    return (waves + 0.3 * rng.standard_normal(waves.shape))[:, None].astype(np.float32), labels


if __name__ == "__main__":
    waves, classes = example_waves()
    np.savez(sys.argv[1], x=waves, y=classes)
