"""Numbers that nobody means: refused in one sentence, in no time, by every operator."""

from __future__ import annotations

import pytest
import torch

from tegnas import ops
from tegnas.engine.program import ParameterLayout
from tegnas.errors import InputError
from tegnas.networks.nasbench201_program import proxy_program

LARGEST = 2**63 - 1
IMAGE = [1, 1, 1, 1]  # format, channels, height, width
LOGITS = [12, 7, 0, 1, 0, -1, 0]  # a linear layer on value 0
ONE = torch.tensor([0])


def engine(code, *, params=4, offset=0, images=(2, 1, 1, 1)):
    jobs = ops.EngineJobs([code], ONE, torch.zeros(params), torch.tensor([offset]))
    return ops.engine_ntk(jobs, torch.ones(images))


@pytest.mark.parametrize(
    ("code", "offset", "words"),
    [
        ([*IMAGE, LARGEST, 1, *LOGITS], 1, "out of range"),
        ([*IMAGE, 2**40, 1, *LOGITS], 1, "parameters from 1 of 4"),
        ([*IMAGE, 1, 1, *LOGITS], LARGEST, f"parameters from {LARGEST} of 4"),
        ([1, 2**20, 2**20, 2**20, 1, 1, *LOGITS], 0, "out of range"),
        ([*IMAGE, 1, 1, 12, 7, 0, 1, LARGEST, -1, 0], 0, "outside the parameter vector"),
        ([*IMAGE, 1, 1, 10, 7, 0, 0, 2**62, 0, 0], 0, "right must be between"),
        ([*IMAGE, 1, 1, 7, 5, 2**10, 2**10, 2**10], 0, "its output is too large"),
        ([*IMAGE, 1, 2**14 + 1, *[7, 5, 2**8, 2**10, 2**10] * (2**14 + 1)], 0, "large together"),
        ([*IMAGE, 0, 1, 1, LARGEST, 0], 0, "its length runs past the end"),
    ],
)
def test_programs_whose_numbers_overflow_are_refused(code, offset, words):
    with pytest.raises(ValueError, match=words):
        engine(code, offset=offset)


def test_more_memory_than_the_machine_has_is_refused_before_it_is_taken():
    pad = [10, 7, 0, 0, 2**14 - 1, 0, 2**14 - 1]
    wide = [3, 4, 1, 1]
    code = [*IMAGE, 0, 2, *pad, *wide]
    jobs = ops.EngineJobs([code], ONE, torch.zeros(1), ONE)
    with pytest.raises(InputError, match="GiB of memory at once and the machine has"):
        ops.engine_regions(jobs, torch.ones(2**14, 1, 1, 1), batch_size=2**14)


def test_batches_of_too_many_images_without_a_number_are_refused():
    with pytest.raises(ValueError, match="at most 2\\^24 images"):
        engine([1, 0, 1, 1, 1, 1, *LOGITS], images=(2**61, 0, 1, 1))


GEOMETRY = {
    "kernel": (0, 2**62 + 1, 1, 1, 1, 0, 0, 4, 1, 1),
    "stride": (0, 1, 1, LARGEST, LARGEST, 0, 0, 1, 1, 1),
    "padding": (0, 1, 1, 1, 1, LARGEST, 0, 1, 1, 1),
    "dilation": (0, 5, 5, 1, 1, 0, 0, 2**62, 2**62, 1),
    "groups": (0, 1, 1, 1, 1, 0, 0, 1, 1, LARGEST),
    "padded plane": (0, 1, 1, 1, 1, 2**20, 2**20, 1, 1, 1),
}


@pytest.mark.parametrize("name", GEOMETRY)
def test_convolutions_whose_geometry_overflows_are_refused(name):
    x = torch.randn(1, 2, 3, 8, 8)
    with pytest.raises(ValueError, match="^ntk_gram: "):
        torch.ops.tegnas.ntk_gram([x], [x], [], [], list(GEOMETRY[name]))


def empty(*shape, dtype=torch.float32):
    return torch.empty(shape, dtype=dtype)


@pytest.mark.parametrize(
    "call",
    [
        lambda: ops.eig_condition(empty(2**61, 0, 1, 1)),
        lambda: ops.leave_one_out(empty(2**61, 0, 1, 1)),
        lambda: ops.pattern_rank(empty(2**61, 0, 1, 1)),
        lambda: ops.count_regions(torch.empty(2**61, 0, 1, dtype=torch.int64)),
        lambda: ops.pack_signs([torch.empty(0, 2**40, 2**20)] * 20),
        lambda: ops.ntk_gram(
            [ops.LinearTerm(torch.empty(2**61, 0, 1, 1), torch.empty(2**61, 0, 1, 1))]
        ),
        lambda: ops.kernel_regression_error(
            torch.empty(0, 2**50, 2**10),
            torch.empty(0, 1, 2**10),
            torch.empty(1, 1),
            torch.empty(1, 1),
        ),
    ],
    ids=[
        "eig_condition",
        "leave_one_out",
        "pattern_rank",
        "count_regions",
        "pack_signs",
        "ntk_gram",
        "kernel_regression_error",
    ],
)
def test_empty_tensors_of_huge_sizes_are_refused(call):
    with pytest.raises(ValueError):
        call()


def test_patterns_without_a_word_are_all_the_same():
    empty = torch.empty(2**30, 0, dtype=torch.int64)
    assert ops.count_regions(empty).item() == 1
    assert ops.count_regions(empty[:0]).item() == 0


def plan(jobs=(0,), **options):
    layout = ParameterLayout()
    program = proxy_program(("nor_conv_3x3",) * 6, 3, 10, (3, 32, 32), layout)
    return ops.engine_plan([program.encode(layout.size)], jobs, **({"images": 4} | options))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"memory": 0}, "memory must be positive"),
        ({"memory": -(2**63)}, "memory must be positive"),
        ({"images": -1}, "between 0 and 2\\^24 images"),
        ({"others": 2**62}, "between 0 and 2\\^24 images"),
        ({"images": 2**18, "batch_norm": "coupled", "memory": 1}, "more than 2\\^22"),
        ({"jobs": [2**62]}, "a job names program"),
        ({"jobs": [-1]}, "a job names program"),
    ],
)
def test_plans_that_would_never_end_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        plan(**options)


@pytest.mark.parametrize("side", [30, 7, 33])
def test_sides_that_the_network_cannot_halve_twice_are_refused(side):
    with pytest.raises(InputError, match=f"images of {side}×{side} don't fit the network"):
        proxy_program(("nor_conv_3x3",) * 6, 3, 10, (3, side, side), ParameterLayout())


@pytest.mark.parametrize("channels", [1, 4])
def test_images_of_other_channels_are_refused(channels):
    with pytest.raises(InputError, match=f"images of 3 channels, got {channels}"):
        proxy_program(("nor_conv_3x3",) * 6, 3, 10, (channels, 32, 32), ParameterLayout())
