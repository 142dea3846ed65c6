"""Programs of many architectures from one template; in native code, on the CPU."""

from __future__ import annotations

import numpy as np

from tegnas.ops._library import native


def write_programs(
    template: np.ndarray, options: np.ndarray, parameters: int
) -> tuple[np.ndarray, np.ndarray]:
    """The programs that architectures choose from a template.

    Args:
        template: words in the encoding of ``csrc/kernels/program/template.h``, int64.
        options: int64 (A, edges), the option taken for each edge.
        parameters: length of the vector that the programs read.

    Returns:
        The words of all programs, int64, and where each begins and the last ends, (A + 1).

    Raises:
        ValueError: a malformed template, an option that doesn't exist, or one that leaves nothing.
    """
    return native.write_programs(template, options, parameters)
