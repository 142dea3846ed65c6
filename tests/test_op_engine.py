"""engine_ntk and engine_regions against autograd, on random modules lowered to programs."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence

import pytest
import torch
from devices import every_device, on_cuda
from hypothesis import given, settings
from hypothesis import strategies as st
from instruction_samples import LAYERS, Excitation, with_layer
from tensors import relative_error, tensor
from torch import Tensor, nn

from tegnas import InputError, ops
from tegnas.engine import program as p
from tegnas.engine.functions import FUNCTIONS
from tegnas.engine.lowering import lower_module
from tegnas.reference import count_regions_pairwise
from tegnas.reference.ntk import ntk, with_batch_statistics
from tegnas.reference.regions import signs
from tegnas.reference.scores import relu_activations
from tegnas.regions import measure_regions

# Jacobian entries are in the parameters' precision, their products in float64.
TOLERANCE = {torch.float32: 2e-4, torch.float64: 1e-9}


class Branches(nn.Module):
    """Sum or concatenation of layers that keep the image plane, as cells have them."""

    def __init__(self, layers: list[nn.Module], joined: bool) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.joined = joined

    def forward(self, x: Tensor) -> Tensor:
        parts = [layer(x) for layer in self.layers]
        if self.joined:
            return torch.cat(parts, 1)
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total


def relu_conv_norm(inputs: int, outputs: int, kernel: int, **options: int) -> nn.Sequential:
    padding = kernel // 2 * options.get("dilation", 1)
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(inputs, outputs, kernel, padding=padding, bias=False, **options),
        nn.BatchNorm2d(outputs),
    )


@st.composite
def networks(draw) -> nn.Sequential:
    torch.manual_seed(draw(st.integers(0, 2**20)))
    channels = draw(st.sampled_from([1, 3, 7]))
    layers: list[nn.Module] = [nn.Conv2d(2, channels, 3, padding=1, bias=draw(st.booleans()))]
    if draw(st.booleans()):
        layers.append(nn.BatchNorm2d(channels))
    edges: list[Callable[[], nn.Module]] = [
        lambda: nn.Identity(),
        lambda: nn.AvgPool2d(3, 1, 1, count_include_pad=False),
        lambda: nn.MaxPool2d(3, 1, 1),
        lambda: relu_conv_norm(channels, channels, 1),
        lambda: relu_conv_norm(channels, channels, 3),
        lambda: relu_conv_norm(channels, channels, 5, groups=channels),
        lambda: relu_conv_norm(channels, channels, 3, dilation=2),
        lambda: nn.Sequential(nn.BatchNorm2d(channels), nn.Sigmoid()),
        lambda: Excitation(channels),
    ]
    for _ in range(draw(st.integers(1, 2))):
        chosen = draw(st.lists(st.integers(0, len(edges) - 1), min_size=1, max_size=3))
        layers.append(Branches([edges[k]() for k in chosen], joined=False))
    kept = draw(st.integers(1, 2))
    layers.append(Branches([relu_conv_norm(channels, 4, 3, stride=2) for _ in range(kept)], True))
    layers += [nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4 * kept, 3)]
    network = nn.Sequential(*layers)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.normal_()
    return network


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Networks of a few channels are too small to share: threads only wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def is_searched(name: str) -> bool:
    return name.startswith("2.")


def jobs_of(network: nn.Module, shape: tuple[int, int, int], dtype: torch.dtype) -> ops.EngineJobs:
    lowered = lower_module(network, shape, is_searched)
    size = len(lowered.parameters)
    one = torch.zeros(1, dtype=torch.int64)
    return ops.EngineJobs([lowered.program.encode(size)], one, lowered.parameters.to(dtype), one)


@every_device
@settings(max_examples=20)
@given(
    networks(),
    st.sampled_from(["frozen", "coupled"]),
    st.sampled_from([torch.float32, torch.float64]),
    st.sampled_from([(1, 1), (5, 3), (17, 2)]),
    st.tuples(st.integers(3, 9), st.integers(3, 9)),
)
def test_kernels_are_those_of_autograd(device, network, batch_norm, dtype, counts, size):
    x, y = (tensor((count, 2, *size), seed=count) for count in counts)
    x, y = x.float(), y.float()
    found = ops.engine_ntk(
        jobs_of(network, (2, *size), dtype),
        x.to(device, dtype),
        y.to(device, dtype),
        batch_norm=batch_norm,
    )
    network = network.double()
    x, y = x.double(), y.double()
    expected = [ntk(network, x, batch_norm=batch_norm)]
    for left, right in ((x, None), (y, x)):
        if any(is_searched(name) for name, _ in network.named_parameters()):
            searched = ntk(network, left, right, batch_norm=batch_norm, select=is_searched)
        else:
            searched = torch.zeros(len(left), len(x), dtype=torch.float64)
        expected.append(searched)
    scale = expected[0].abs().max().clamp_min(1e-3)
    for got, wanted in zip(found[:3], expected, strict=True):
        assert got.dtype == torch.float64 and got.shape == (1, *wanted.shape)
        assert got.device.type == device
        assert (got[0].cpu() - wanted).abs().max() <= TOLERANCE[dtype] * scale


def small_network() -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(2, 3, 3, padding=1),
        nn.BatchNorm2d(3),
        relu_conv_norm(3, 3, 3),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(3, 3),
    )


@every_device
def test_trace_is_the_sum_over_outputs(device):
    network = small_network().double()
    x = tensor((4, 2, 5, 5))
    jobs = jobs_of(network, (2, 5, 5), torch.float64)
    for batch_norm in ("frozen", "coupled"):
        found, *_ = ops.engine_ntk(jobs, x.to(device), batch_norm=batch_norm, outputs="trace")
        expected = torch.zeros(4, 4, dtype=torch.float64)
        for output in range(3):
            one = nn.Sequential(network, nn.Linear(3, 1, bias=False))
            one[1].weight.data = torch.eye(3, dtype=torch.float64)[output : output + 1]
            expected += ntk(
                one, x, batch_norm=batch_norm, select=lambda name: name.startswith("0.")
            )
        assert relative_error(found[0].cpu(), expected) < 1e-10


# Every instruction


@every_device
@pytest.mark.parametrize("batch_norm", ["frozen", "coupled"])
@pytest.mark.parametrize("index", range(len(LAYERS)))
def test_every_instruction_has_the_gradient_of_autograd(device, batch_norm, index):
    opcode, layer = LAYERS[index]
    network = with_layer(layer())
    x = tensor((5, 2, 6, 5))
    program = lower_module(network, (2, 6, 5)).program
    assert opcode in [instruction[0] for instruction in program.instructions]
    found, *_ = ops.engine_ntk(
        jobs_of(network, (2, 6, 5), torch.float64), x.to(device), batch_norm=batch_norm
    )
    # In the gradient of hardsigmoid PyTorch takes 1/6 from float32.
    tolerance = 1e-7 if isinstance(network[2], nn.Hardsigmoid) else 1e-9
    assert relative_error(found[0].cpu(), ntk(network, x, batch_norm=batch_norm)) < tolerance


def test_no_instruction_and_no_function_is_left_out():
    assert {opcode for opcode, _ in LAYERS} == set(p.INSTRUCTIONS)
    functions = {
        instruction[2]
        for opcode, layer in LAYERS
        if opcode == p.ACTIVATION
        for instruction in lower_module(with_layer(layer()), (2, 6, 5)).program.instructions
        if instruction[0] == p.ACTIVATION
    }
    assert functions == {function.number for function in FUNCTIONS.values()}


def test_python_and_the_engine_know_the_same_instructions():
    def refusal(opcode: int, *operands: int) -> str:
        instruction = [opcode, len(operands) + 2, *operands]
        with pytest.raises(ValueError) as caught:
            ops.engine_plan([[1, 2, 6, 5, 0, 1, *instruction]], [0], images=1)
        return str(caught.value)

    for opcode in range(1, max(p.INSTRUCTIONS) + 2):
        name = p.INSTRUCTIONS[opcode].name if opcode in p.INSTRUCTIONS else "unknown"
        assert f"instruction 0 ({name}): " in refusal(opcode)
    # A factor below zero is refused by the name of the function, or it has one.
    some = struct.unpack("<q", struct.pack("<d", 0.5))[0]
    for name, function in FUNCTIONS.items():
        said = refusal(p.ACTIVATION, 0, function.number, some, 2)
        wanted = "flags must be" if function.below else f"{name} has no factor below zero"
        assert f"(activation): {wanted}" in said
    numbers = [function.number for function in FUNCTIONS.values()]
    for number in (0, max(numbers) + 1, -(2**63), 2**62):
        assert "unknown function" in refusal(p.ACTIVATION, 0, number)


@every_device
@pytest.mark.parametrize("index", range(len(LAYERS)))
def test_regions_are_those_of_the_module(device, index):
    network = with_layer(LAYERS[index][1]())
    network.insert(3, nn.ReLU())  # so that there is something to count
    inputs = tensor((30, 2, 6, 5))
    inputs[20:] = inputs[:10]
    lowered = lower_module(network, (2, 6, 5))
    expected = measure_regions(network, [inputs], smooth=True)
    found = ops.engine_regions(
        jobs_of(network, (2, 6, 5), torch.float64), inputs.to(device), batch_size=30
    )
    assert found.tolist() == [expected.count]
    if LAYERS[index][0] != p.MAX_POOL:  # which no program counts
        assert (lowered.counted, lowered.uncounted) == (expected.counted, expected.uncounted)


# Many jobs


def three_jobs() -> tuple[ops.EngineJobs, list[ops.EngineJobs]]:
    """Three networks together, two of them of one program, and each alone."""
    networks = [small_network() for _ in range(3)]
    with torch.no_grad():
        for scale, network in enumerate(networks, start=1):
            network[0].weight *= scale
    each = [jobs_of(network, (2, 6, 6), torch.float32) for network in networks]
    size = len(each[0].params)
    # Jobs 0 and 2 share a program.
    jobs = ops.EngineJobs(
        [each[0].codes[0], each[1].codes[0]],
        torch.tensor([0, 1, 0]),
        torch.cat([one.params for one in each]),
        torch.arange(3) * size,
    )
    return jobs, each


def test_many_jobs_give_the_bits_of_each_alone_for_any_number_of_threads():
    jobs, each = three_jobs()
    x, y = tensor((19, 2, 6, 6)).float(), tensor((4, 2, 6, 6), seed=1).float()
    threads = torch.get_num_threads()
    try:
        for batch_norm in ("frozen", "coupled"):
            torch.set_num_threads(1)
            options = {"batch_norm": batch_norm, "distances": True}
            alone = [ops.engine_ntk(one, x, y, **options) for one in each]
            for count in (1, 2, 3):
                torch.set_num_threads(count)
                together = ops.engine_ntk(jobs, x, y, **options)
                for k, results in enumerate(alone):
                    for got, wanted in zip(together, results, strict=True):
                        assert torch.equal(got[k], wanted[0])
    finally:
        torch.set_num_threads(threads)


@every_device
@pytest.mark.parametrize("batch_norm", ["frozen", "coupled"])
def test_without_the_other_weights_the_searched_ones_have_the_same_bits(batch_norm, device):
    jobs, _ = three_jobs()
    x = tensor((37, 2, 6, 6)).to(device, torch.float32)
    y = tensor((4, 2, 6, 6), seed=1).to(device, torch.float32)
    _, searched, cross, _ = ops.engine_ntk(jobs, x, y, batch_norm=batch_norm)
    found = ops.engine_ntk(jobs, x, y, batch_norm=batch_norm, weights="searched")
    assert found[0].shape == (0, 37, 37)
    assert torch.equal(found[1], searched) and torch.equal(found[2], cross)
    alone = ops.engine_ntk(jobs, x, batch_norm=batch_norm, weights="searched")
    assert torch.equal(alone[1], searched)


@pytest.mark.parametrize("batch_norm", ["frozen", "coupled"])
@pytest.mark.parametrize("device", [pytest.param("cuda", marks=on_cuda)])
def test_many_jobs_give_the_bits_of_each_alone_on_a_gpu(device, batch_norm):
    jobs, each = three_jobs()
    x = tensor((37, 2, 6, 6)).to(device, torch.float32)
    y = tensor((4, 2, 6, 6), seed=1).to(device, torch.float32)
    options = {"batch_norm": batch_norm, "distances": True}
    together = ops.engine_ntk(jobs, x, y, **options)
    for k, one in enumerate(each):
        for got, wanted in zip(together, ops.engine_ntk(one, x, y, **options), strict=True):
            assert torch.equal(got[k], wanted[0])


@pytest.mark.parametrize("batch_norm", ["frozen", "coupled"])
@pytest.mark.parametrize("device", [pytest.param("cuda", marks=on_cuda)])
def test_a_recorded_call_gives_the_bits_of_a_plain_one(device, batch_norm):
    jobs, _ = three_jobs()
    x, y = (tensor((count, 2, 6, 6), seed=count).to(device, torch.float32) for count in (9, 4))
    recorded = ops.RecordedNtk(jobs, x, y, batch_norm=batch_norm)
    # Memory that others use in between must not matter to the graph.
    kept = [torch.randn(2**20, device=device).cpu().pin_memory() for _ in range(4)]
    for changes in ({}, {"x": 2 * x}, {"params": 0.5 * jobs.params}, {"y": y.flip(0)}):
        params = changes.get("params", jobs.params)
        jobs = ops.EngineJobs(jobs.codes, jobs.programs, params, jobs.offsets)
        x, y = changes.get("x", x), changes.get("y", y)
        plain = ops.engine_ntk(jobs, x, y, batch_norm=batch_norm)
        for got, wanted in zip(recorded(**changes), plain[:3], strict=True):
            assert torch.equal(got, wanted)
    assert len(kept) == 4
    with pytest.raises(InputError, match="x was recorded as torch.float32 of shape"):
        recorded(x=x[:3])


def test_recording_needs_a_gpu():
    x = tensor((3, 2, 5, 5)).float()
    with pytest.raises(InputError, match="needs images on a GPU, got cpu"):
        ops.RecordedNtk(jobs_of(small_network(), (2, 5, 5), torch.float32), x)


@every_device
@settings(max_examples=15)
@given(networks(), st.integers(1, 40), st.integers(1, 17))
def test_regions_are_the_distinct_patterns(device, network, samples, batch_size):
    inputs = tensor((samples, 2, 3, 4), seed=samples)
    inputs[samples // 2 :] = inputs[: samples - samples // 2].clone()
    jobs = jobs_of(network, (2, 3, 4), torch.float64)
    found = ops.engine_regions(jobs, inputs.to(device), batch_size=batch_size)
    activations = relu_activations(network.double(), inputs.split(batch_size))
    assert found.dtype == torch.int64 and found.device.type == device
    assert found.tolist() == [count_regions_pairwise(activations)]


def values_of_relus(network: nn.Module, batches: Sequence[Tensor]) -> list[Tensor]:
    """What ReLUs read, each value once however many of them read it: (M, ...) over all batches."""
    network, found = with_batch_statistics(network, "frozen"), []
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_pre_hook(lambda module, args: seen.append(args[0]))
    with torch.no_grad():
        for batch in batches:
            seen: list[Tensor] = []
            network(batch)
            found.append(list({value.data_ptr(): value for value in seen}.values()))
    return [torch.cat(values) for values in zip(*found, strict=True)]


@every_device
@settings(max_examples=15)
@given(networks(), st.integers(1, 40), st.integers(1, 17))
def test_pattern_distances_are_those_of_the_signs(device, network, samples, batch_size):
    inputs = tensor((samples, 2, 3, 4), seed=samples)
    inputs[samples // 2 :] = inputs[: samples - samples // 2].clone()
    jobs = jobs_of(network, (2, 3, 4), torch.float64)
    found = ops.engine_pattern_distances(jobs, inputs.to(device), batch_size=batch_size)
    rows = signs(values_of_relus(network.double(), inputs.split(batch_size)))
    expected = (rows[:, None] != rows[None, :]).sum(-1)
    assert found.dtype == torch.int64 and found.device.type == device
    assert torch.equal(found.cpu(), expected[None])


def same_but_for_distances(found: Sequence[Tensor], kernels: Sequence[Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(found[:3], kernels[:3], strict=True))


@every_device
@settings(max_examples=20)
@given(
    networks(),
    st.sampled_from(["frozen", "coupled"]),
    st.sampled_from(["sum", "trace"]),
    st.sampled_from(["all", "searched"]),
    st.sampled_from([torch.float32, torch.float64]),
    st.sampled_from([(1, 0), (5, 3), (19, 2)]),
)
def test_kernels_give_the_distances_of_the_same_images(
    device, network, batch_norm, outputs, weights, dtype, counts
):
    x, y = (tensor((count, 2, 5, 4), seed=count).to(device, dtype) for count in counts)
    jobs = jobs_of(network, (2, 5, 4), dtype)
    options = {"batch_norm": batch_norm, "outputs": outputs, "weights": weights}
    found = ops.engine_ntk(jobs, x, y, distances=True, **options)
    assert torch.equal(found[3], ops.engine_pattern_distances(jobs, x, batch_size=len(x)))
    without = ops.engine_ntk(jobs, x, y, **options)
    assert without[3].shape == (0, len(x), len(x))
    assert same_but_for_distances(found, without)


@every_device
@pytest.mark.parametrize("batch_norm", ["frozen", "coupled"])
def test_equal_images_and_networks_without_relu_have_no_distance(device, batch_norm):
    x = torch.zeros(18, 2, 5, 5, device=device)
    found = ops.engine_ntk(
        jobs_of(small_network(), (2, 5, 5), torch.float32),
        x,
        batch_norm=batch_norm,
        distances=True,
    )
    assert not found[3].any()
    linear = nn.Sequential(
        nn.Conv2d(2, 3, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)
    )
    jobs = jobs_of(linear, (2, 5, 5), torch.float32)
    found = ops.engine_ntk(
        jobs, torch.rand_like(x), batch_norm=batch_norm, weights="searched", distances=True
    )
    assert torch.equal(found[3], torch.zeros(1, 18, 18, dtype=torch.int64, device=device))


@every_device
def test_jobs_take_sets_of_inputs_in_turn(device):
    network = small_network()
    one = jobs_of(network, (2, 5, 4), torch.float64)
    first = torch.zeros(5, dtype=torch.int64)
    five = ops.EngineJobs(one.codes, first, one.params, first)
    sets = torch.stack([tensor((9, 2, 5, 4), seed=seed) for seed in range(2)])
    sets[1, 3:] = sets[1, 0]
    found = ops.engine_regions(five, sets.to(device), batch_size=4).tolist()
    alone = [ops.engine_regions(one, each.to(device), batch_size=4).item() for each in sets]
    apart = ops.engine_pattern_distances(five, sets.to(device), batch_size=4)
    for job in range(5):
        own = sets[job % 2].to(device)
        assert torch.equal(apart[job], ops.engine_pattern_distances(one, own, batch_size=4)[0])
    assert alone[0] != alone[1]
    assert found == [alone[0], alone[1], alone[0], alone[1], alone[0]]
    with pytest.raises(ValueError, match=r"inputs must be \(M, C, H, W\), or sets"):
        ops.engine_regions(five, sets[:0].to(device), batch_size=4)


def test_programs_are_a_sequence_of_words():
    words = [[1, 2, 3], [4], [5, 6]]
    programs = ops.Programs.of(words)
    assert list(programs) == words and len(programs) == 3
    assert programs[-1] == [5, 6] and programs[1:] == words[1:]
    assert ops.Programs.of(programs) is programs
    assert list(ops.Programs.of([])) == []


def test_the_host_prepares_the_launches_that_are_planned():
    jobs = jobs_of(small_network(), (2, 5, 4), torch.float32)
    launches, size = ops.prepare_launches(jobs, images=6)
    planned = ops.engine_plan(jobs.codes, [0], images=6)
    assert launches == sum(each.sweep != "gram" for each in planned)
    assert size > 0
    regions, _ = ops.prepare_launches(jobs, images=6, regions=True)
    assert 0 < regions < launches


@every_device
def test_layouts_of_images(device):
    jobs = jobs_of(small_network(), (2, 5, 4), torch.float64)
    for layout in ("reversed", "sliced", "expanded"):
        x = tensor((4, 2, 5, 4), layout=layout).to(device)
        for got, wanted in zip(
            ops.engine_ntk(jobs, x, x, distances=True),
            ops.engine_ntk(jobs, x.contiguous(), x.contiguous(), distances=True),
            strict=True,
        ):
            assert torch.equal(got, wanted)
        assert ops.engine_regions(jobs, x, batch_size=3) == ops.engine_regions(
            jobs, x.contiguous(), batch_size=3
        )


@every_device
def test_empty_operands(device):
    jobs = jobs_of(small_network(), (2, 5, 5), torch.float32)
    none = ops.EngineJobs([], torch.zeros(0, dtype=torch.int64), jobs.params, jobs.offsets[:0])
    x = tensor((3, 2, 5, 5)).to(device, torch.float32)
    for distances in (False, True):
        found = ops.engine_ntk(none, x, distances=distances)
        assert [tuple(each.shape) for each in found] == [
            (0, 3, 3),
            (0, 3, 3),
            (0, 0, 3),
            (0, 3, 3),
        ]
        found = ops.engine_ntk(jobs, x[:0], x, distances=distances)
        assert [tuple(each.shape) for each in found] == [
            (1, 0, 0),
            (1, 0, 0),
            (1, 3, 0),
            (int(distances), 0, 0),
        ]
    assert ops.engine_regions(jobs, x[:0], batch_size=2).tolist() == [0]
    assert ops.engine_regions(none, x, batch_size=2).shape == (0,)


@every_device
def test_nan_reaches_the_kernel(device):
    x = tensor((3, 2, 5, 5)).to(device, torch.float32)
    x[1, 0, 2, 2] = math.nan
    for batch_norm in ("frozen", "coupled"):
        k_all, *_ = ops.engine_ntk(
            jobs_of(small_network(), (2, 5, 5), torch.float32), x, batch_norm=batch_norm
        )
        assert not k_all.isfinite().all()


def test_wrong_operands_are_named():
    jobs = jobs_of(small_network(), (2, 5, 5), torch.float32)
    x = tensor((3, 2, 5, 5)).float()
    with pytest.raises(ValueError, match="images of 2×5×5"):
        ops.engine_ntk(jobs, x[:, :1])
    with pytest.raises(TypeError, match="float32 or both float64"):
        ops.engine_ntk(jobs, x.double())
    with pytest.raises(ValueError, match="frozen or coupled"):
        ops.engine_ntk(jobs, x, batch_norm="running")
    with pytest.raises(ValueError, match="sum or trace"):
        ops.engine_ntk(jobs, x, outputs="mean")
    with pytest.raises(ValueError, match="weights is all or searched"):
        ops.engine_ntk(jobs, x, weights="stem")
    with pytest.raises(ValueError, match="batch_size"):
        ops.engine_regions(jobs, x, batch_size=0)
    words = list(jobs.codes[0])
    words[6] = 99  # the first opcode
    wrong = ops.EngineJobs([words], jobs.programs, jobs.params, jobs.offsets)
    with pytest.raises(ValueError, match="instruction 0 .*unknown opcode"):
        ops.engine_ntk(wrong, x)
    wrong = ops.EngineJobs(jobs.codes, jobs.programs + 1, jobs.params, jobs.offsets)
    with pytest.raises(ValueError, match="names program 1 of 1"):
        ops.engine_ntk(wrong, x)
    wrong = ops.EngineJobs(jobs.codes, jobs.programs, jobs.params, jobs.offsets + 1)
    with pytest.raises(ValueError, match="parameters from 1"):
        ops.engine_ntk(wrong, x)


def test_operators_are_registered_as_torch_expects():
    jobs = jobs_of(small_network(), (2, 5, 5), torch.float32)
    x = tensor((3, 2, 5, 5)).float()
    code = torch.tensor(jobs.codes[0])
    starts = torch.tensor([0, len(code)])
    operands = (code, starts, jobs.programs, jobs.params, jobs.offsets)
    for weights, distances in (("all", False), ("searched", True)):
        options = ("frozen", "sum", weights, distances)
        torch.library.opcheck(torch.ops.tegnas.engine_ntk, (*operands, x, x[:2], *options))
    torch.library.opcheck(torch.ops.tegnas.engine_regions, (*operands, x, 2))
    torch.library.opcheck(torch.ops.tegnas.engine_pattern_distances, (*operands, x, 2))
