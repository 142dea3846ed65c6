"""Scores of architectures and of any module, against the formulas written out."""

from __future__ import annotations

import json
import math

import pytest
import torch
from networks import Function, cnn, mixed_training, state_of
from paper import KAPPA, MSE, REGIONS, SETTINGS, paper_settings, scored
from tiny_space import TinySpace
from torch import Tensor, nn

from tegnas import InputError, ScoreSettings, get_space, load_batch, ops, score, score_module
from tegnas.data import Batch
from tegnas.kernel import EngineWarning
from tegnas.reference.ntk import ntk, with_batch_statistics
from tegnas.reference.regions import count_regions_pairwise
from tegnas.regions import NoRegionsError, RegionsWarning, region_inputs
from tegnas.scoring import Scores
from tegnas.spaces.nasbench201 import NasBench201Architecture

SPACE = get_space("nas-bench-201")
CONVOLUTIONS = SPACE.parse(
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
)
POOLS = SPACE.parse(
    "|avg_pool_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"
)
SKIPS = NasBench201Architecture(("skip_connect",) * 6)
DISCONNECTED = SPACE.parse("|skip_connect~0|+|none~0|none~1|+|none~0|none~1|nor_conv_3x3~2|")
NOTHING = NasBench201Architecture(("none",) * 6)
ENGINES = ("native", "torch")


@pytest.fixture(scope="module")
def batch() -> Batch:
    return load_batch("digits", train=12, val=10, seed=1, size=8)


def small(**changes: object) -> ScoreSettings:
    return paper_settings(
        **({"repeats": 2, "region_samples": 200, "region_batch_size": 80} | changes)
    )


# The formulas


def condition(kernel: Tensor) -> float:
    eigenvalues = torch.linalg.eigvalsh(kernel)
    return (eigenvalues[-1] / eigenvalues[0]).item()


def regression_error(k_xx: Tensor, k_yx: Tensor, batch: Batch, ridge: float = 0.0) -> float:
    def centred(labels: Tensor) -> Tensor:
        targets = torch.eye(batch.num_classes, dtype=torch.float64)[labels]
        return targets - targets.mean(0)

    ridged = k_xx + ridge * torch.eye(len(k_xx), dtype=torch.float64)
    predicted = k_yx @ torch.linalg.solve(ridged, centred(batch.labels))
    return ((predicted - centred(batch.val_labels)) ** 2).sum(1).mean().item()


def kappa_and_mse(network, batch, batch_norm, select=lambda name: True, ridge=0.0):
    network = network.double()
    x, y = batch.images.double(), batch.val_images.double()
    kernel = ntk(network, x, batch_norm=batch_norm)
    searched = ntk(network, x, batch_norm=batch_norm, select=select)
    cross = ntk(network, y, x, batch_norm=batch_norm, select=select)
    return condition(kernel), regression_error(searched, cross, batch, ridge)


def regions(network: nn.Module, inputs: list[Tensor]) -> int:
    outputs: list[list[Tensor]] = []
    network = with_batch_statistics(network, "frozen")
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            outputs.append([])
            module.register_forward_hook(lambda m, a, out, to=outputs[-1]: to.append(out))
    for each in inputs:
        network(each)
    return count_regions_pairwise([torch.cat(each).detach() for each in outputs])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_norm", ["frozen", "coupled"])
def test_every_repeat_is_that_of_the_formulas(batch, batch_norm, engine):
    settings = small(batch_norm=batch_norm, engine=engine, seed=5, ridge=0.25)
    for arch in (CONVOLUTIONS, POOLS):
        scores = score([arch], batch, space=SPACE, settings=settings)
        for repeat, seed in enumerate((5, 6)):
            kappa, mse = kappa_and_mse(
                SPACE.network(arch, "proxy", num_classes=10, seed=seed),
                batch,
                batch_norm,
                lambda name: name.startswith(("stage", "reduction")),
                ridge=0.25,
            )
            assert scores.networks[KAPPA][0, repeat].item() == pytest.approx(kappa, rel=2e-3)
            assert scores.networks[MSE][0, repeat].item() == pytest.approx(mse, rel=1e-3)
            thin = SPACE.network(arch, "thin", num_classes=10, seed=seed)
            inputs = region_inputs((1, 3, 3), samples=200, batch_size=80, seed=seed)
            assert scores.networks[REGIONS][0, repeat] == regions(thin, inputs)


def test_engines_agree(batch):
    archs = [CONVOLUTIONS, POOLS, SKIPS, DISCONNECTED]
    native, torch_ = (
        score(archs, batch, space=SPACE, settings=small(engine=engine)) for engine in ENGINES
    )
    torch.testing.assert_close(native.networks[KAPPA], torch_.networks[KAPPA], rtol=2e-3, atol=0)
    torch.testing.assert_close(native.networks[MSE], torch_.networks[MSE], rtol=1e-3, atol=0)
    torch.testing.assert_close(
        native.networks[REGIONS], torch_.networks[REGIONS], rtol=0.02, atol=0
    )


# The call


@pytest.mark.parametrize("engine", ENGINES)
def test_one_entry_per_architecture_with_every_repeat(batch, engine):
    seen: list[int] = []
    archs = [CONVOLUTIONS, str(POOLS), SKIPS]
    settings = small(repeats=3, engine=engine)
    scores = score(archs, batch, space=SPACE, settings=settings, progress=seen.append)
    assert len(scores) == 3 and scores.archs == (CONVOLUTIONS, POOLS, SKIPS)
    for name in scores.settings.names:
        networks, mean = scores.networks[name], scores[name]
        assert networks.shape == (3, 3) and networks.dtype == torch.float64
        assert mean.shape == (3,)
        torch.testing.assert_close(mean, networks.mean(1))
        assert networks.isfinite().all() and (networks > 0).all()
        assert name == REGIONS or (networks.std(1) > 0).all()
    assert torch.equal(scores.networks[REGIONS], scores.networks[REGIONS].round())
    assert scores.regions.max() <= settings.region_samples
    assert seen == sorted(seen) and seen[-1] == 3


def test_no_architectures_give_no_scores(batch):
    scores = score([], batch, space=SPACE, settings=paper_settings())
    assert len(scores) == 0
    assert scores.kappa.shape == scores.ranking().shape == (0,)


@pytest.mark.parametrize("engine", ENGINES)
def test_scores_depend_on_their_settings_alone(batch, engine):
    settings = small(engine=engine)
    torch.manual_seed(1)
    first = score([CONVOLUTIONS, POOLS], batch, space=SPACE, settings=settings)
    torch.manual_seed(2)
    state = torch.random.get_rng_state()
    # Neither the order nor the company of an architecture changes its scores.
    again = score([SKIPS, POOLS, CONVOLUTIONS], batch, space=SPACE, settings=settings)
    assert torch.equal(state, torch.random.get_rng_state())
    for name in (KAPPA, REGIONS, MSE):
        assert torch.equal(first.networks[name], again.networks[name][[2, 1]])
    other = score([CONVOLUTIONS, POOLS], batch, space=SPACE, settings=settings, seed=7)
    assert not torch.equal(first.networks[KAPPA], other.networks[KAPPA])
    # The repeats are those of the following seeds.
    shifted = score([CONVOLUTIONS, POOLS], batch, space=SPACE, settings=settings, seed=1)
    assert torch.equal(first.networks[MSE][:, 1], shifted.networks[MSE][:, 0])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_norm", ["frozen", "coupled"])
def test_architectures_without_a_path_are_worst_and_tie(batch, batch_norm, engine):
    archs = [DISCONNECTED, CONVOLUTIONS, NOTHING, POOLS]
    settings = small(batch_norm=batch_norm, engine=engine)
    scores = score(archs, batch, space=SPACE, settings=settings)
    assert scores.kappa[[0, 2]].isinf().all() and scores.mse[[0, 2]].isinf().all()
    assert scores.kappa[[1, 3]].isfinite().all() and scores.mse[[1, 3]].isfinite().all()
    assert scores.regions.isfinite().all()
    assert scores.ranking()[[0, 2]].tolist() == [2, 2]


def test_keyword_arguments_change_single_settings(batch):
    changed = score([POOLS], batch, space=SPACE, settings=small(), seed=3, repeats=1)
    plain = score([POOLS], batch, space=SPACE, settings=small(seed=3, repeats=1))
    assert torch.equal(changed.networks[KAPPA], plain.networks[KAPPA])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_norm": "eval"}, "unknown batch_norm 'eval'; choose one of frozen, coupled"),
        ({"engine": "cuda"}, "unknown engine 'cuda'; choose one of native, torch"),
        ({"repeats": 0}, "repeats must be a whole number, at least 1, got 0"),
        ({"repeats": 1.5}, "repeats must be a whole number, at least 1, got 1.5"),
        ({"indicators": ["new"]}, "unknown indicator 'new'; tegnas has ntk_condition, "),
        ({"indicators": []}, "scores need at least one indicator"),
        ({"indicators": ["flops", "flops"]}, "the indicator 'flops' is named twice"),
        ({"small_networks": "wide"}, "unknown small_networks 'wide'; choose one of deep, paper"),
        ({"definition": "new"}, "scores have no setting 'definition'; there are indicators, "),
        ({"train": 1}, "train must be a whole number, at least 2, got 1"),
        ({"combination": "sum"}, "unknown combination 'sum'; choose one of rank-sum, log-rank"),
        ({"average": "mode"}, "unknown average 'mode'; choose one of mean, median"),
        ({"image_size": 0}, "image_size must be a whole number, at least 1, got 0"),
        ({"indicators": ["flops"], "ridge": 0.1}, "a ridge belongs to ntk_regression_error"),
        ({"region_samples": 0}, "region_samples must be"),
        ({"region_batch_size": -1}, "region_batch_size must be"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"seed": 2**63}, "seed must be a whole number from 0"),
        ({"seed": "0"}, "seed must be a whole number from 0 to .*, got '0'"),
        ({"ridge": -0.1}, "ridge must be finite and 0 or more, got -0.1"),
        ({"ridge": math.nan}, "ridge must be finite and 0 or more, got nan"),
        ({"ridge": math.inf}, "ridge must be finite and 0 or more, got inf"),
    ],
)
def test_settings_are_checked(batch, change, message):
    for call in (
        lambda: paper_settings(**change),
        lambda: score([], batch, space=SPACE, settings=paper_settings(), **change),
    ):
        with pytest.raises(InputError, match=message):
            call()


def test_the_key_of_settings_changes_with_every_field_that_a_score_depends_on():
    changes = {
        "indicators": ("linear_regions",),
        "small_networks": "deep",
        "image_size": 16,
        "batch_norm": "coupled",
        "repeats": 2,
        "seed": 1,
        "region_samples": 10,
        "region_batch_size": 10,
        "ridge": 0.5,
        "share_isomorphic": True,
        "engine": "torch",
        "race": 1,
    }
    others = {"average": "median", "combination": "log-rank", "train": 8, "val": 8}
    assert set(changes) | set(others) == set(ScoreSettings.__dataclass_fields__)
    keys = {paper_settings(**{name: value}).key() for name, value in changes.items()}
    assert len(keys | {paper_settings().key()}) == len(changes) + 1
    assert paper_settings().key() == paper_settings(**others).key()


def test_settings_survive_being_written():
    settings = paper_settings(ridge=0.1, seed=3)
    assert ScoreSettings.from_json(json.loads(json.dumps(settings.to_json()))) == settings
    with pytest.raises(InputError, match="another version of tegnas"):
        ScoreSettings.from_json({"definition": "paper"})


def test_malformed_strings_are_refused(batch):
    with pytest.raises(InputError, match="not a NAS-Bench-201 architecture"):
        score(["conv"], batch, space=SPACE)


class PartlyLowered(TinySpace):
    """Every other network holds an activation that programs don't have."""

    def network(self, arch, kind="proxy", *, num_classes=10, seed=0):
        network = super().network(arch, kind, num_classes=num_classes, seed=seed)
        if arch.width % 2 == 0:
            network.insert(1, nn.Softsign())
        return network


def test_the_engine_of_an_architecture_does_not_depend_on_its_company(batch):
    space = PartlyLowered()
    with pytest.warns(EngineWarning, match="Softsign"):
        together = score(space, batch, space=space, settings=small())
        single = [score([arch], batch, space=space, settings=small()) for arch in space]
    for name in (KAPPA, REGIONS, MSE):
        expected = torch.cat([each.networks[name] for each in single])
        assert torch.equal(together.networks[name], expected)
    torch_ = score(space, batch, space=space, settings=small(engine="torch"))
    even = [arch.width % 2 == 0 for arch in space]
    assert torch.equal(together.networks[KAPPA][even], torch_.networks[KAPPA][even])
    torch.testing.assert_close(together.mse, torch_.mse, rtol=1e-3, atol=0)


class Gated(TinySpace):
    """A sigmoid in front of the ReLU, or in its place."""

    alone = False

    def network(self, arch, kind="proxy", *, num_classes=10, seed=0):
        network = super().network(arch, kind, num_classes=num_classes, seed=seed)
        network.insert(1, nn.Sigmoid())
        if self.alone:
            del network[[type(each) for each in network].index(nn.ReLU)]
        return network


def test_both_engines_count_the_same_activations_and_say_what_they_do_not_see(batch):
    archs, found = list(Gated())[:4], {}
    for engine in ("native", "torch"):
        with pytest.warns(RegionsWarning, match="sigmoid aren't part of any pattern"):
            found[engine] = score(archs, batch, space=Gated(), settings=small(engine=engine))
    assert torch.equal(found["native"].networks[REGIONS], found["torch"].networks[REGIONS])
    space = Gated()
    space.alone = True
    with (
        pytest.warns(EngineWarning, match="no activation that a pattern is made of"),
        pytest.raises(NoRegionsError, match="it has sigmoid"),
    ):
        score(archs[:1], batch, space=space, settings=small(indicators=(REGIONS,)))


def test_architectures_of_one_live_part_share_kernels_but_not_regions(batch, monkeypatch):
    dead = SPACE.parse("|nor_conv_3x3~0|+|none~0|none~1|+|skip_connect~0|none~1|nor_conv_1x1~2|")
    assert str(SPACE.live(dead)) == ("|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|")
    runs = []
    engine_ntk = ops.engine_ntk
    monkeypatch.setattr(
        ops,
        "engine_ntk",
        lambda jobs, *a, **k: runs.append(len(jobs.codes)) or engine_ntk(jobs, *a, **k),
    )
    both = score([dead, SPACE.live(dead), DISCONNECTED], batch, space=SPACE, settings=small())
    assert runs[-1] == 1  # after the architecture by which blind networks are looked for
    assert both.kappa[0] == both.kappa[1] and both.mse[0] == both.mse[1]
    assert both.regions[0] != both.regions[1]


# Ranking


def made(kappa: list[float], regions: list[float], mse: list[float]) -> Scores:
    return scored(range(len(kappa)), kappa, regions, mse)


def test_ranking_is_by_the_sum_of_three_ranks():
    scores = made([1.0, 2.0, 3.0, 4.0], [40, 10, 30, 20], [0.1, 0.3, 0.2, 0.4])
    assert scores.rank_score().tolist() == [3.0, 9.0, 7.0, 11.0]
    assert scores.ranking().tolist() == [0, 2, 1, 3]
    assert scores.ranking().dtype == torch.int64


def test_equal_values_share_the_mean_rank_and_equal_sums_the_best_position():
    scores = made([1.0, 1.0, 2.0], [5, 5, 5], [0.2, 0.2, 0.1])
    assert scores.rank_score().tolist() == [1.5 + 2 + 2.5, 1.5 + 2 + 2.5, 3 + 2 + 1]
    assert scores.ranking().tolist() == [0, 0, 0]
    assert made([1.0, 1.0, 9.0], [5, 5, 1], [0.2, 0.2, 0.3]).ranking().tolist() == [0, 0, 2]


def test_bad_architectures_are_last_and_tie_whatever_else_they_have():
    bad = math.inf
    scores = made([bad, 5.0, 1.0, bad], [1000, 3, 2, 1], [0.01, 0.5, bad, bad])
    assert scores.ranking().tolist() == [1, 0, 1, 1]


def test_a_minority_of_bad_networks_is_left_out_and_a_majority_makes_the_average_bad():
    kappa = torch.tensor(
        [[1.0, 3.0, math.inf], [2.0, math.inf, math.inf], [5.0, 5.0, 5.0]], dtype=torch.float64
    )
    ones = torch.ones(3, 3, dtype=torch.float64)
    scores = Scores((0, 1, 2), SETTINGS, {KAPPA: kappa, REGIONS: ones, MSE: ones})
    assert scores.kappa.tolist() == [2.0, math.inf, 5.0]
    assert scores.ranking().tolist() == [0, 2, 1]


# Any module


def classifier(activation: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(192, 30), activation, nn.Linear(30, 10))


def convolutional() -> nn.Module:
    torch.manual_seed(0)
    return cnn()


@pytest.mark.parametrize("batch_norm", ["frozen", "coupled"])
def test_a_convolutional_network_is_scored_by_the_formulas(batch, batch_norm):
    network = convolutional()
    network.searched_prefixes = ("body",)
    # Three logits for ten classes: the kernel doesn't care.
    found = score_module(network, batch, settings=small(batch_norm=batch_norm))
    kappa, mse = kappa_and_mse(network, batch, batch_norm, lambda name: name.startswith("body"))
    assert found.kappa == pytest.approx(kappa, rel=2e-3)
    assert found.mse == pytest.approx(mse, rel=1e-3)
    assert (found.searched, found.region_shape, found.autograd) == ("searched", (3, 3, 3), ())
    assert 1 < found.regions <= 200


def test_a_multilayer_perceptron_is_scored_on_inputs_of_the_size_of_the_images(batch):
    network = classifier(nn.ReLU())
    found = score_module(network, batch, settings=small())
    kappa, mse = kappa_and_mse(network, batch, "frozen")
    assert found.kappa == pytest.approx(kappa, rel=1e-3)
    assert found.mse == pytest.approx(mse, rel=1e-3)
    assert (found.searched, found.region_shape) == ("all", (3, 8, 8))
    inputs = torch.cat(region_inputs((3, 8, 8), samples=200, batch_size=80, seed=0))
    assert found.regions == regions(network.float(), [inputs]) == 200


def test_a_network_without_relu_has_no_regions(batch):
    found = score_module(classifier(nn.GELU()), batch, settings=small())
    assert found.regions is None
    assert found.kappa > 1 and found.mse > 0


def test_the_shape_of_region_inputs_can_be_given(batch):
    found = score_module(convolutional(), batch, settings=small(), region_shape=(3, 5, 4))
    assert found.region_shape == (3, 5, 4)


def test_layers_outside_the_native_gram_are_named(batch):
    network = nn.Sequential(nn.ConvTranspose2d(3, 4, 2), *convolutional()[1:])
    assert score_module(network, batch, settings=small()).autograd == ("0.weight",)
    with pytest.warns(EngineWarning, match="0 is a ConvTranspose2d"):
        coupled = score_module(network, batch, settings=small(), batch_norm="coupled")
    assert coupled.autograd == ("0.weight", "1.bn.weight", "1.conv.weight", "4.weight")


def test_a_constant_network_is_bad(batch):
    network = nn.Sequential(*classifier(nn.ReLU()), Function(lambda x: x * 0.0))
    found = score_module(network, batch, settings=small())
    assert found.kappa == found.mse == math.inf


def test_scoring_leaves_the_module_as_it_is(batch):
    torch.manual_seed(0)
    network = mixed_training()
    before = state_of(network)
    first = score_module(network, batch, settings=small())
    assert state_of(network) == before
    assert score_module(network, batch, settings=small()) == first


def test_what_cannot_be_scored_is_refused(batch):
    with pytest.raises(InputError, match="images are torch.float32 but the network is"):
        score_module(cnn().double(), batch)
    with pytest.raises(InputError, match="must give logits of shape"):
        score_module(nn.Conv2d(3, 2, 3), batch)
    with pytest.raises(InputError, match="has no parameter to derive by"):
        score_module(nn.Flatten(), batch)
    with pytest.raises(InputError, match="unknown batch_norm"):
        score_module(cnn(), batch, batch_norm="eval")
