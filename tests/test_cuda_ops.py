"""Native operators on a GPU against the CPU; the first thing to run where there is one.

What can be tested without a GPU is tested without one: see docs/cuda.md.
"""

from __future__ import annotations

import math
import random

import pytest
import torch
from devices import on_cuda
from paper import REGIONS
from torch import Tensor

import tegnas
from tegnas import ops
from tegnas.scoring.settings import changed

pytestmark = on_cuda

DTYPES = [torch.float32, torch.float64]
TOLERANCE = {torch.float32: 2e-6, torch.float64: 1e-12}


def randn(*shape: int, dtype: torch.dtype = torch.float64, seed: int = 0) -> Tensor:
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(seed))


def grams(batch: int, n: int) -> Tensor:
    rows = randn(batch, n, n + 8, seed=n)
    return rows @ rows.mT


def terms(dtype: torch.dtype, images: int, *, seed: int = 0) -> list[ops.LayerTerm]:
    def tensor(*shape: int) -> Tensor:
        return randn(2, images, *shape, dtype=dtype, seed=seed + sum(shape))

    return [
        ops.Conv2dTerm(tensor(3, 9, 9), tensor(70, 9, 9), 3, padding=1),
        ops.Conv2dTerm(tensor(8, 9, 9), tensor(8, 5, 5), 3, 2, 2, 2, groups=8),
        ops.ScaleTerm(tensor(5, 49), tensor(5, 49)),
        ops.LinearTerm(tensor(1, 20), tensor(1, 10)),
        ops.LinearTerm(tensor(7, 6), tensor(7, 4)),
    ]


def on_gpu(term: ops.LayerTerm) -> ops.LayerTerm:
    fields = dict(vars(term))
    # Other strides, which must not matter.
    fields["input"] = term.input.cuda().transpose(0, 1).contiguous().transpose(0, 1)
    fields["grad"] = term.grad.cuda()
    return type(term)(**fields)


def assert_close(got: Tensor, expected: Tensor, tolerance: float) -> None:
    assert got.is_cuda and got.dtype == expected.dtype and got.shape == expected.shape
    scale = expected.abs().amax().clamp_min(1e-300)
    assert ((got.cpu() - expected).abs().amax() / scale).item() <= tolerance


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("images", "others"), [(1, None), (5, 3), (67, None)])
def test_ntk_gram_equals_the_cpu(dtype, images, others):
    left = terms(dtype, images)
    right = None if others is None else terms(dtype, others, seed=1)
    expected = ops.ntk_gram(left, right)
    moved = right and [on_gpu(term) for term in right]
    got = ops.ntk_gram([on_gpu(term) for term in left], moved)
    assert_close(got, expected, TOLERANCE[dtype])
    again = ops.ntk_gram([on_gpu(term) for term in left], moved)
    assert torch.equal(got, again)


@pytest.mark.parametrize("n", [1, 2, 33, 64, 128, 129])
def test_pattern_rank_equals_the_cpu(n):
    patterns = randn(6, n, 50).sign()
    patterns[1] = 1
    distances = (patterns[:, :, None] != patterns[:, None, :]).sum(-1)
    got, expected = ops.pattern_rank(distances.cuda()), ops.pattern_rank(distances)
    torch.testing.assert_close(got.cpu(), expected, rtol=1e-10, atol=0, equal_nan=True)


@pytest.mark.parametrize("n", [1, 2, 31, 33, 64, 128, 129, 200])
def test_eig_condition_equals_the_cpu(n):
    matrices = grams(6, n)
    if n > 2:
        matrices[1] = 0
        matrices[2, n - 1, 0] = math.nan
        matrices[3] = matrices[3, :, :1] @ matrices[3, :, :1].T
    expected, got = ops.eig_condition(matrices), ops.eig_condition(matrices.cuda())
    for each in (0, 4, 5):
        for end in (0, 1):
            assert_close(got[end][each], expected[end][each], 1e-11 * float(expected[2][each]))
    assert torch.equal(got[2].cpu().isinf(), expected[2].isinf())


@pytest.mark.parametrize(("n", "classes"), [(1, 1), (33, 10), (128, 17), (129, 10)])
def test_kernel_regression_error_equals_the_cpu(n, classes):
    k_xx, k_yx = grams(4, n), randn(4, 20, n)
    tx, ty = randn(n, classes, seed=1), randn(20, classes, seed=2)
    k_xx[1] = 0
    expected = ops.kernel_regression_error(k_xx, k_yx, tx, ty)
    got = ops.kernel_regression_error(k_xx.cuda(), k_yx.cuda(), tx.cuda(), ty.cuda())
    assert torch.equal(got.cpu().isinf(), expected.isinf())
    sound = expected.isfinite()
    assert_close(got[sound.cuda()], expected[sound], 1e-9)


@pytest.mark.parametrize("n", [1, 2, 33, 64, 128, 129, 200])
def test_leave_one_out_equals_the_cpu(n):
    kernels = grams(6, n)
    kernels[1] = 0
    if n > 2:
        kernels[2, n - 1, 0] = math.nan
        kernels[3] = kernels[3, :, :1] @ kernels[3, :, :1].T
    expected, got = ops.leave_one_out(kernels), ops.leave_one_out(kernels.cuda())
    for ours, theirs in zip(got, expected, strict=True):
        assert torch.equal(ours.cpu().isinf(), theirs.isinf())
        sound = theirs.isfinite()
        assert_close(ours[sound.cuda()], theirs[sound], 1e-9)


@pytest.mark.parametrize("n", [6, 64, 130])
@pytest.mark.parametrize("ridge", [0.0, 1e-3])
def test_degenerate_kernels_have_the_errors_of_the_cpu(n, ridge):
    """Singular, nearly so, negative, not finite; without validation images, without classes."""
    k_xx = grams(9, n)
    k_xx[1] = 0
    k_xx[2] = k_xx[2, :, :1] @ k_xx[2, :, :1].T
    k_xx[3] = -k_xx[3]
    k_xx[4, n - 1, n - 1] = math.nan
    k_xx[5, 0, 0] = math.inf
    k_xx[6, n - 1, 0] = k_xx[6, 0, n - 1] = math.inf
    for k, factor in ((7, 0.1), (8, 10.0)):  # the last pivot below and above the threshold
        k_xx[k] = torch.eye(n, dtype=torch.float64)
        k_xx[k, n - 1, n - 1] = factor * n * torch.finfo(torch.float64).eps
    for m, classes in ((5, 3), (0, 3), (5, 0)):
        k_yx, tx, ty = randn(9, m, n), randn(n, classes, seed=1), randn(m, classes, seed=2)
        k_yx[0, :, 0] = math.nan
        expected = ops.kernel_regression_error(k_xx, k_yx, tx, ty, ridge=ridge)
        got = ops.kernel_regression_error(
            k_xx.cuda(), k_yx.cuda(), tx.cuda(), ty.cuda(), ridge=ridge
        )
        assert torch.equal(got.isinf().cpu(), expected.isinf())
        assert not got.isnan().any()


@pytest.mark.parametrize(("shape", "targets"), [((3, 4), (4, 2)), ((3, 3), (4, 2)), ((3, 3), (3,))])
def test_wrong_shapes_have_the_sentence_of_the_cpu(shape, targets):
    operands = [randn(*shape), randn(5, shape[-1]), randn(*targets), randn(5, 2)]
    sentences = []
    for device in ("cpu", "cuda"):
        with pytest.raises(ValueError, match="kernel_regression_error") as error:
            ops.kernel_regression_error(*(each.to(device) for each in operands))
        sentences.append(str(error.value).partition("\n")[0])
    assert sentences[0] == sentences[1]


def test_operands_on_two_devices_are_refused():
    k, targets = grams(1, 4), randn(4, 2)
    with pytest.raises(ValueError, match="one device"):
        ops.kernel_regression_error(k.cuda(), k, targets.cuda(), targets.cuda())


@pytest.mark.parametrize("dtype", [*DTYPES, torch.bool])
def test_regions_equal_the_cpu(dtype):
    layers = [randn(300, *shape, seed=len(shape)) > 0.8 for shape in [(2, 3), (40,), (1, 5, 7)]]
    layers = [layer.to(dtype) for layer in layers]
    layers[0] = layers[0].transpose(1, 2)
    expected = ops.pack_signs(layers)
    got = ops.pack_signs([layer.cuda() for layer in layers])
    assert torch.equal(got.cpu(), expected)
    few = expected & 0b111
    for patterns in (expected, few, few.reshape(3, 100, -1)):
        counted = ops.count_regions(patterns.cuda())
        assert counted.is_cuda
        assert torch.equal(counted.cpu(), ops.count_regions(patterns))


def test_empty_inputs():
    assert ops.eig_condition(torch.empty(0, 4, 4).cuda())[2].shape == (0,)
    assert ops.pack_signs([torch.empty(0, 9).cuda()]).shape == (0, 1)
    for shape in ((0, 3), (5, 0), (2, 4, 0), (0, 4, 2)):
        patterns = torch.empty(shape, dtype=torch.int64)
        assert torch.equal(ops.count_regions(patterns.cuda()).cpu(), ops.count_regions(patterns))


def test_ops_follow_the_current_stream_and_do_not_wait():
    matrices = grams(64, 64).cuda()
    expected = ops.eig_condition(matrices)[2]
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream), torch.cuda.graphs.graph(torch.cuda.CUDAGraph(), stream=stream):
        # A capture fails if the op waits for the device or leaves the stream.
        captured = ops.eig_condition(matrices)[2]
    assert captured.shape == expected.shape


def test_a_module_on_the_gpu_scores_like_on_the_cpu():
    space = tegnas.get_space("nas-bench-201")
    arch = space.parse(
        "|nor_conv_3x3~0|+|skip_connect~0|nor_conv_1x1~1|+|avg_pool_3x3~0|none~1|nor_conv_3x3~2|"
    )
    torch.manual_seed(0)
    network = space.network(arch, "proxy", num_classes=10).double()
    images, other = randn(16, 3, 32, 32), randn(8, 3, 32, 32, seed=1)
    for batch_norm in ("frozen", "coupled"):
        expected = tegnas.ntk(network, images, other, batch_norm=batch_norm)
        got = tegnas.ntk(network.cuda(), images.cuda(), other.cuda(), batch_norm=batch_norm)
        network.cpu()
        assert_close(got, expected, 1e-10)


@pytest.mark.parametrize("batch_norm", ["frozen", "coupled"])
@pytest.mark.parametrize(
    ("space", "engine"),
    [("nas-bench-201", "native"), ("darts", "native"), ("nas-bench-201", "torch")],
)
@pytest.mark.parametrize("preset", ["best", "fast"])
def test_architectures_score_like_on_the_cpu(preset, space, engine, batch_norm):
    chosen = tegnas.get_space(space)
    rng = random.Random(1)
    archs = [chosen.sample(rng) for _ in range(4)]
    batch = tegnas.load_batch("digits", train=16, val=12)
    settings = changed(
        tegnas.get_preset(preset),
        batch_norm=batch_norm,
        engine=engine,
        repeats=2,
        region_samples=200,
        region_batch_size=80,
    )
    expected = tegnas.score(archs, batch, space=chosen, settings=settings)
    got = tegnas.score(archs, batch, space=chosen, settings=settings, device="cuda")
    for name in set(expected) - {REGIONS}:
        torch.testing.assert_close(got.networks[name], expected.networks[name], rtol=1e-2, atol=0)
    # A unit within rounding of its kink may fall on the other side.
    assert ((got.networks[REGIONS] - expected.networks[REGIONS]).abs() <= 2).all()


def test_a_module_scores_where_it_is():
    batch = tegnas.load_batch("digits", train=16, val=12)
    space = tegnas.get_space("nas-bench-201")
    network = space.network(space.sample(random.Random(3)), "proxy", num_classes=10)
    expected = tegnas.score_module(network, batch)
    got = tegnas.score_module(network.cuda(), batch)
    assert got.trainability == pytest.approx(expected.trainability, rel=1e-2)
    assert got.generalization == pytest.approx(expected.generalization, rel=1e-2)
    assert got.regions == pytest.approx(expected.regions, abs=2)
