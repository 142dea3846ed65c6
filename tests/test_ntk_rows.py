"""Layers that see the batch in another order, in pieces, or mixed: which row is whose image."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F
from networks import Function, Logits, images, randomise
from torch import Tensor, nn

from tegnas import ntk
from tegnas.kernel.row_owners import (
    NOBODY,
    are_in_order,
    confirms,
    other_tags,
    owners_of,
    rows_of_images,
    tag_digits,
    tags,
)
from tegnas.reference.ntk import ntk as reference_ntk

pytestmark = pytest.mark.filterwarnings("ignore::tegnas.kernel.AutogradLayersWarning")

N, TOKENS, FEATURES = 6, 4, 5


def layers() -> tuple[nn.Module, ...]:
    """A linear layer, norms of features and of the batch, and another linear layer."""
    return nn.Linear(FEATURES, 6), nn.LayerNorm(6), nn.BatchNorm1d(6), nn.Linear(6, 3)


def perceptron(x: Tensor, first, norm, batch_norm, last) -> Tensor:
    """The layers on (rows, features)."""
    return last(torch.tanh(batch_norm(norm(first(x)))))


def permuted(x: Tensor, *each: nn.Module) -> Tensor:
    order = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))
    return perceptron(x[order], *each)[order.argsort()]


def flipped(x: Tensor, *each: nn.Module) -> Tensor:
    return perceptron(x.flip(0), *each).flip(0)


def two_images_exchanged(x: Tensor, *each: nn.Module) -> Tensor:
    order = torch.arange(len(x))
    order[-1], order[-2] = len(x) - 2, len(x) - 1
    return perceptron(x[order], *each)[order]


def sorted_by_a_feature(x: Tensor, *each: nn.Module) -> Tensor:
    order = x[:, 0].argsort()
    return perceptron(x[order], *each)[order.argsort()]


def every_image_twice(x: Tensor, *each: nn.Module) -> Tensor:
    y = perceptron(torch.cat([x, x.flip(1)]), *each)
    return y[: len(x)] * y[len(x) :].sin()


def interleaved(x: Tensor, *each: nn.Module) -> Tensor:
    return perceptron(x.repeat_interleave(2, 0).tanh(), *each).view(len(x), -1)


def some_images_only(x: Tensor, *each: nn.Module) -> Tensor:
    first, norm, _, last = each
    chosen = x[:, 0] > 0
    y = torch.zeros(len(x), 3, dtype=x.dtype)
    y[chosen] = last(norm(first(x[chosen])))
    return y + x[:, :3]


ROWS = {
    f.__name__.replace("_", " "): f
    for f in (
        permuted,
        flipped,
        two_images_exchanged,
        sorted_by_a_feature,
        every_image_twice,
        interleaved,
        some_images_only,
    )
}


def check(network: nn.Module, x: Tensor, *, autograd: tuple[str, ...] = ()) -> None:
    """Both kernels and both meanings are right, and no other parameters took the slow way."""
    randomise(network)
    for other in (None, 0.7 * x.flip(-1)[:-1] + 0.1):
        for outputs in ("sum", "trace"):
            found = ntk(network, x, other, details=True, outputs=outputs)
            assert found.autograd == autograd
            close(found.kernel, kernel_of_outputs(network, x, other, outputs))


def kernel_of_outputs(network: nn.Module, x: Tensor, other: Tensor | None, outputs: str) -> Tensor:
    if outputs == "sum":
        return reference_ntk(network, x, other, batch_norm="frozen")
    with torch.no_grad():
        classes = network(x).shape[1]
    columns = [
        nn.Sequential(network, Function(lambda y, k=k: y[:, k : k + 1])) for k in range(classes)
    ]
    return sum(reference_ntk(each, x, other, batch_norm="frozen") for each in columns)


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-11 * expected.abs().max())


@pytest.mark.parametrize("name", ROWS)
def test_rows_in_another_order_are_gathered(name):
    check(Function(ROWS[name], *layers()), images(N, FEATURES))


def folded_into_the_batch(x: Tensor, *each: nn.Module) -> Tensor:
    n, tokens, features = x.shape
    return perceptron(x.reshape(n * tokens, features), *each).view(n, -1)


def tokens_in_front(x: Tensor, *each: nn.Module) -> Tensor:
    first, norm, batch_norm, last = each
    y = norm(first(x.transpose(0, 1)))
    return last(torch.tanh(batch_norm(y.permute(1, 2, 0)).permute(2, 0, 1))).mean(0)


def tokens_in_front_folded(x: Tensor, *each: nn.Module) -> Tensor:
    n, tokens, features = x.shape
    y = perceptron(x.transpose(0, 1).reshape(tokens * n, features), *each)
    return y.view(tokens, n, -1).transpose(0, 1).flatten(1)


def windows(x: Tensor, *each: nn.Module) -> Tensor:
    """Attention within pairs of tokens, the pairs folded into the batch."""
    n, tokens, features = x.shape
    first, norm, _, last = each
    y = norm(first(x.reshape(n * tokens // 2, 2, features)))
    y = (y @ y.transpose(1, 2)).softmax(2) @ y
    return last(y).view(n, -1).sin()


def experts(x: Tensor, *each: nn.Module) -> Tensor:
    """Tokens sent to one of two layers each, not as many of every image."""
    one, norm, _, two = each
    y = torch.zeros(*x.shape[:2], 6, dtype=x.dtype)
    to_one = x[..., 0] > 0
    y[to_one] = norm(one(x[to_one]))
    z = torch.zeros(*x.shape[:2], 3, dtype=x.dtype)
    z[~to_one] = two(y[~to_one] + x[~to_one][:, :1])
    return torch.cat([y.sin().sum(1), z.sum(1)], 1)


PIECES = {
    "folded into the batch": folded_into_the_batch,
    "tokens in front": tokens_in_front,
    "tokens in front, folded": tokens_in_front_folded,
    "windows": windows,
    "experts": experts,
}


@pytest.mark.parametrize("tokens", [TOKENS, N])
@pytest.mark.parametrize("name", PIECES)
def test_pieces_of_images_are_gathered(name, tokens):
    check(Function(PIECES[name], *layers()), images(N, tokens, FEATURES))


def test_channels_of_other_orders_are_gathered():
    def turned(x: Tensor, conv, norm, group_norm, last) -> Tensor:
        y = group_norm(norm(conv(x.flip(0)))).relu().flip(0)
        return last(y).tanh().mean((2, 3))

    each = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.GroupNorm(2, 4), nn.Conv2d(4, 2, 1)
    check(Function(turned, *each), images(N, 3, 6, 5))


def test_several_crops_of_an_image_go_through_autograd():
    def crops(x: Tensor, conv, norm, group_norm, last) -> Tensor:
        y = torch.cat([x[..., :4], x[..., 2:]])
        y = last(group_norm(norm(conv(y))).tanh()).mean((2, 3))
        return y[: len(x)] + y[len(x) :].sin()

    each = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.GroupNorm(2, 4), nn.Conv2d(4, 2, 1)
    slow = ("layers.0.weight", "layers.2.weight", "layers.3.weight")
    check(Function(crops, *each), images(N, 3, 6, 6), autograd=slow)


def mean_taken_off(x: Tensor) -> Tensor:
    return x - x.mean(0)


def attention_between_images(x: Tensor) -> Tensor:
    return x + (x @ x.T).softmax(1) @ x


def a_little_of_the_next(x: Tensor) -> Tensor:
    return x + 1e-4 * x.roll(1, 0)


def half_of_another(x: Tensor) -> Tensor:
    return torch.cat([x[:, :2], x.flip(0)[:, 2:]], 1)


def against_the_one_before(x: Tensor) -> Tensor:
    return x - x.roll(1, 0)


MIXTURES = (
    mean_taken_off,
    attention_between_images,
    a_little_of_the_next,
    half_of_another,
    against_the_one_before,
)


@pytest.mark.parametrize("mix", MIXTURES, ids=lambda f: f.__name__)
def test_rows_of_several_images_go_through_autograd(mix):
    first, _, _, last = layers()
    network = nn.Sequential(first, nn.Tanh(), Function(mix), last, Logits())
    # Behind the mixture every row belongs to one image again.
    check(network, images(N, FEATURES), autograd=("0.weight",))


@pytest.mark.parametrize("share", [0.5, 2.0, 0.25, -0.5])
@pytest.mark.parametrize("step", [1, 2, 3])
def test_mixtures_in_the_ratio_of_two_tags_are_seen(step, share):
    def some_of_an_earlier_one(x: Tensor) -> Tensor:
        return torch.cat([x[:step], x[step:] + share * x[:-step]])

    # Linear, so that the gradients of the images are multiples of each other.
    first, *_ = layers()
    check(
        nn.Sequential(first, Function(some_of_an_earlier_one)),
        images(N, FEATURES),
        autograd=("0.weight",),
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("number", [65, 130])
def test_more_images_than_powers_of_two(number, dtype):
    first, norm, _, last = layers()

    def exchanged(x: Tensor) -> Tensor:
        order = torch.arange(len(x))
        order[0], order[64] = 64, 0  # alike in their lowest digits
        return x[order]

    network = nn.Sequential(first, Function(exchanged), norm, last, Function(exchanged))
    network = randomise(network).to(dtype)
    x = images(number, FEATURES).to(dtype)
    found = ntk(network, x, details=True)
    assert found.autograd == ()
    expected = reference_ntk(network.double(), x.double(), batch_norm="frozen")
    tolerance = 1e-4 if dtype == torch.float32 else 1e-11
    assert (found.kernel - expected).abs().max() < tolerance * expected.abs().max()


class SortedByLength(nn.Module):
    """Packed for a recurrent layer, and unsorted afterwards."""

    def __init__(self, kind: type[nn.RNNBase], **options) -> None:
        super().__init__()
        self.first = nn.Linear(FEATURES, 6)
        self.recurrent = kind(6, 4, **options)
        self.last = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        lengths, order = (x.abs().sum(2) > 0).sum(1).sort(descending=True)
        steps = nn.utils.rnn.pack_padded_sequence(
            torch.tanh(self.first(x[order])), lengths, batch_first=True
        )
        steps = steps._replace(data=F.gelu(steps.data))
        state = self.recurrent(steps)[1]
        state = state[0] if isinstance(state, tuple) else state
        return self.last(state[-1][order.argsort()])


@pytest.mark.parametrize("kind", [nn.RNN, nn.GRU, nn.LSTM])
@pytest.mark.parametrize(
    "options", [{}, {"num_layers": 2, "dropout": 0.5}, {"bidirectional": True}]
)
def test_sequences_sorted_by_length(kind, options):
    x = images(N, 7, FEATURES)
    for row, length in enumerate([3, 7, 4, 6, 2, 5]):
        x[row, length:] = 0
    network = randomise(SortedByLength(kind, **options))
    found = ntk(network, x, details=True)
    assert {"first.weight", "last.weight"} <= set(found.native)
    assert all(name.startswith("recurrent.weight") for name in found.autograd)
    close(found.kernel, reference_ntk(network, x, batch_norm="frozen"))


@pytest.mark.parametrize("tokens", [TOKENS, N])
@pytest.mark.parametrize("batch_first", [False, True])
def test_transformers_with_either_dimension_first(batch_first, tokens):
    layer = nn.TransformerEncoderLayer(8, 2, 12, batch_first=batch_first)
    turn = Function(lambda x: x if batch_first else x.transpose(0, 1))
    pool = Function(lambda x: x.mean(1 if batch_first else 0))
    network = nn.Sequential(turn, nn.Linear(FEATURES, 8), nn.TransformerEncoder(layer, 2), pool)
    slow = ("self_attn.in_proj_weight", "self_attn.out_proj.weight")
    names = tuple(f"2.layers.{index}.{name}" for index in range(2) for name in slow)
    check(network, images(N, tokens, FEATURES), autograd=names)


def test_batches_that_take_different_ways_make_one_cross_kernel():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 3, 2))
    randomise(network)
    mix = Function(lambda x: x + 0.1 * x.roll(1, 0) * (len(x) == 4))
    network = nn.Sequential(*network, mix, Function(lambda x: x.tanh().mean((2, 3))))
    x, other = images(4, 3, 8, 8), images(5, 3, 7, 6, seed=1)
    close(ntk(network, x, other), reference_ntk(network, x, other, batch_norm="frozen"))
    close(ntk(network, other, x), reference_ntk(network, other, x, batch_norm="frozen"))


def test_images_of_different_sizes_make_one_cross_kernel():
    convolutions = nn.Conv2d(3, 4, (3, 2), 2, 1, groups=1), nn.Conv2d(4, 4, 3, groups=2, dilation=2)
    network = nn.Sequential(convolutions[0], nn.GroupNorm(2, 4), nn.Tanh(), convolutions[1])
    network = randomise(nn.Sequential(*network, Function(lambda x: x.tanh().mean((2, 3)))))
    x, other = images(4, 3, 12, 13), images(3, 3, 15, 11, seed=1)
    close(ntk(network, x, other), reference_ntk(network, x, other, batch_norm="frozen"))


# The search for owners by itself


def found_owners(owners: Tensor, images_: int, mixed: Tensor | None = None) -> Tensor | None:
    plain = images(len(owners), 7, seed=3)
    plain[owners == NOBODY] = 0
    digits = []
    for tag in tags(images_, plain):
        tagged = plain * tag[owners.clamp(min=0), None]
        if mixed is not None:
            tagged = tagged + mixed * tag.flip(0)[owners.clamp(min=0), None]
        digits.append(tag_digits(plain if mixed is None else plain + mixed, tagged))
    return None if any(each is None for each in digits) else owners_of(digits, images_)


@pytest.mark.parametrize("number", [2, 64, 65, 4097])
def test_owners_are_read_from_the_tags(number):
    owners = torch.randperm(number, generator=torch.Generator().manual_seed(0))
    owners = torch.cat([owners, torch.tensor([NOBODY, 0, number - 1])])
    assert torch.equal(found_owners(owners, number), owners)


@pytest.mark.parametrize("number", [3, 64])
def test_a_mixture_that_looks_like_a_third_image_is_not_confirmed(number):
    plain = images(1, 7)
    tag, other = tags(number, plain)[0], other_tags(number, plain)
    for first, second, third in itertools.permutations(range(min(number, 9)), 3):
        # The shares of two images that make the tag of a third.
        share = (tag[third] - tag[second]) / (tag[first] - tag[second])
        mixture = (share * other[first] + (1 - share) * other[second]) * plain
        assert not confirms(plain, mixture, torch.tensor([third]), other)
        assert confirms(plain, other[third] * plain, torch.tensor([third]), other)


def test_a_trace_of_another_image_is_seen():
    owners = torch.arange(6)
    trace = torch.zeros(6, 7, dtype=torch.float64)
    assert found_owners(owners, 6, trace) is not None
    trace[4, 2] = 1e-9
    assert found_owners(owners, 6, trace) is None


def test_rows_without_an_owner_stand_in_for_missing_ones():
    owners = torch.tensor([NOBODY, 1, NOBODY, 3])
    assert rows_of_images(owners, 4).tolist() == [[0], [1], [2], [3]]
    owners = torch.tensor([2, 2, 0, NOBODY])
    assert rows_of_images(owners, 3).tolist() == [[2, 3], [-1, -1], [0, 1]]


def test_rows_in_the_order_of_the_images():
    assert are_in_order(torch.tensor([0, 0, 1, NOBODY, 2, 2]), 3)
    assert not are_in_order(torch.tensor([0, 0, 1, 1]), 3)
    assert not are_in_order(torch.tensor([0, 1, 0, 1]), 2)
