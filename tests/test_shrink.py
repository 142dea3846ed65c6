"""Images are shrunk where the networks of the space take that, and stay as they are elsewhere."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from torch import nn

from tegnas import InputError, get_preset, get_space, load_batch, score
from tegnas.scoring.settings import changed
from tegnas.scoring.shrink import ImageSizeWarning, small_batch
from tegnas.spaces import ChoiceSpace

EXAMPLE = Path(__file__).parents[1] / "examples" / "residual_mlp_space.py"
BEST = changed(get_preset("best"), repeats=1, region_samples=20)


@pytest.fixture(scope="module")
def batch():
    return load_batch("digits", train=6, val=6, size=32)


def made_for(side: int, name: str = "mlp") -> ChoiceSpace:
    def build(choices, num_classes):
        # Without a pool it takes images of one size.
        pool = nn.AdaptiveAvgPool2d(side) if choices["pool"] == "yes" else nn.Identity()
        hidden = nn.Linear(3 * side * side, choices["width"])
        return nn.Sequential(
            pool, nn.Flatten(), hidden, nn.ReLU(), nn.Linear(choices["width"], num_classes)
        )

    choices = {"width": (8, 16), "pool": ("yes", "no")}
    return ChoiceSpace(name, choices, build, region_input_shape=(3, side, side))


def test_networks_of_one_size_see_the_images_as_they_are(batch):
    space = made_for(32)
    with pytest.warns(ImageSizeWarning, match="networks of mlp don't take images of 8×8"):
        assert small_batch(space, batch, BEST) is batch
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scores = score(list(space), batch, space=space, settings=BEST)
    assert bool(scores.networks["variance_inflation"].isfinite().all())


def test_other_networks_see_them_shrunk(batch):
    for space in (get_space("nas-bench-201"), made_for(8)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert small_batch(space, batch, BEST).image_shape == (3, 8, 8)


def test_networks_that_take_neither_are_named_with_the_size_of_the_images(batch):
    space = made_for(7)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ImageSizeWarning)
        with pytest.raises(InputError, match="can't take images of 3×32×32"):
            score(
                [space.parse("width=8,pool=no")], batch, space=space, settings=BEST, engine="torch"
            )


def test_the_example_takes_smaller_images(batch):
    space = get_space(f"{EXAMPLE}:SPACE")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scores = score(list(space)[:2], batch, space=space, settings=BEST)
    assert bool(scores.networks["variance_inflation"].isfinite().all())
