"""``tegnas plan``: what a score launches on a GPU."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from tegnas import get_preset, get_space
from tegnas.cli import app
from tegnas.scoring.kernel_call import KernelCall

SPACE = get_space("nas-bench-201")
ARCH = SPACE.parse(
    "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|nor_conv_1x1~2|"
)


@pytest.mark.parametrize(
    "preset, networks, shape, images, others, batch_norm",
    [
        ("best", 10, (3, 8, 8), 64, 0, "frozen"),
        ("fast", 3, (3, 32, 32), 64, 64, "frozen"),
        ("paper", 3, (3, 32, 32), 64, 64, "coupled"),
    ],
)
def test_a_call_is_what_the_preset_asks_for(
    preset, networks, shape, images, others, batch_norm
) -> None:
    call = KernelCall.of(SPACE, get_preset(preset), [ARCH, ARCH])
    assert len(call.jobs.programs) == 2 * networks
    assert (call.image_shape, call.images, call.others) == (shape, images, others)
    assert call.batch_norm == batch_norm


def test_options_win_over_the_preset() -> None:
    done = CliRunner().invoke(
        app, ["plan", "--architectures", "2", "--preset", "fast", "--repeats", "1", "--images", "8"]
    )
    assert done.exit_code == 0, done.output
    assert "by preset fast, repeats 1, train 8, val 8: 1 networks each, 8 + 8 images" in done.output


def test_an_unknown_preset_is_refused() -> None:
    done = CliRunner().invoke(app, ["plan", "--preset", "fastest"])
    assert "unknown preset 'fastest'" in str(done.exception)
