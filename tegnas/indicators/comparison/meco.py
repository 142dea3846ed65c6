"""MeCo (Jiang et al., NeurIPS 2023)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from tegnas.indicators.base import EXTRA, HIGHER, Indicator
from tegnas.indicators.comparison.outputs import is_layer, recorded_outputs
from tegnas.indicators.sources import Network
from tegnas.kernel.batch_statistics import batch_statistics


def meco(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Σ over layers of the least eigenvalue of the correlations of their channels, for one image.

    The image is Gaussian noise of the shape of the images. Layers are all modules without parts of
    their own that give a feature map.
    """
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(1, *images.shape[1:], generator=generator).to(images)
    with torch.no_grad(), batch_statistics(network, "frozen"):
        with recorded_outputs(network, is_layer) as outputs:
            network(image)
    total = 0.0
    for output in outputs:
        if isinstance(output, Tensor) and output.dim() == 4 and output.shape[1] > 1:
            correlations = torch.corrcoef(output[0].flatten(1).double()).nan_to_num(0.0)
            total += float(torch.linalg.eigvalsh(correlations)[0])
    return total


MECO = Indicator(
    name="meco",
    symbol="MeCo",
    title="least eigenvalues of the correlations between channels",
    role=EXTRA,
    better=HIGHER,
    source=Network(),
    compute=meco,
    citation="Jiang et al., NeurIPS 2023, eq. 5",
)
