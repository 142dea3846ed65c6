"""One look for all figures, readable for colour-blind readers."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tegnas.errors import InputError
from tegnas.files import write_atomically
from tegnas.indicators.base import EXTRA, Indicator

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe & Ito's colours, which readers with any kind of colour vision tell apart.
BLUE, ORANGE, GREEN, VERMILION = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, YELLOW, GREY = "#56B4E9", "#CC79A7", "#F0E442", "#7F7F7F"
SERIES = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY)
# Surfaces: even in lightness, so that they also read in grey.
COLOUR_MAP = "cividis"

ACCURACY_AXIS = "test accuracy, % (higher is better)"


def axis_label(indicator: Indicator) -> str:
    """What the axis of an indicator's ``drawn`` values is called."""
    return indicator.axis if indicator.role == EXTRA else f"{indicator.role}: {indicator.axis}"


def wider(place: int, count: int) -> float:
    """How much wider a line is drawn than the last of so many, in points.

    Lines that take the same way are then all seen, the later ones inside the earlier.
    """
    return min(1.6, 4.5 / count) * (count - 1 - place)


def new_figure(
    rows: int = 1, columns: int = 1, *, size: tuple[float, float] = (6.4, 4.4), **options: Any
) -> tuple[Figure, Any]:
    """An empty figure and its axes, (rows, columns) of them; no state outside of them is touched.

    Raises:
        InputError: matplotlib is missing.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError(
            "figures need the package matplotlib; install it with: pip install 'tegnas[plot]'"
        ) from None
    figure = Figure(figsize=size, dpi=150, layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, **options)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=8)
        axis.xaxis.get_major_locator().set_params(nbins=6)
        axis.xaxis.label.set_size(9)
        axis.yaxis.label.set_size(9)
        axis.title.set_size(9)
    return figure, axes


def panels(count: int, size: tuple[float, float], **options: Any) -> tuple[Figure, Any]:
    """A figure of ``count`` panels of a size each, up to three in a row, and their axes, (count,).

    Four make two rows of two.
    """
    columns = 2 if count == 4 else min(count, 3)
    rows = -(-count // columns)
    figure, axes = new_figure(rows, columns, size=(size[0] * columns, size[1] * rows), **options)
    for axis in axes.flat[count:]:
        axis.set_visible(False)
    return figure, axes.flat[:count]


def save(figure: Figure, path: Path) -> Path:
    """Write a figure in the format of the file's suffix (png, svg, pdf)."""
    content = io.BytesIO()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(content, format=path.suffix[1:])
    except (OSError, ValueError) as error:
        raise InputError(f"the figure {path} can't be written: {error}") from None
    write_atomically(path, content.getvalue())
    return path


def literal(text: str) -> str:
    """A text as it is, from a file or a user, for matplotlib, which reads $…$ as a formula."""
    return text.replace("$", r"\$")
