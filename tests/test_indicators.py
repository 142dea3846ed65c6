"""Indicators as values: what they say of themselves, sharing, and the user's own."""

from __future__ import annotations

import copy
import json
import math
import pickle
import random

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import tegnas
from tegnas import InputError, get_indicator, get_space, indicator, indicator_names, load_batch
from tegnas.cli import app
from tegnas.indicators import as_indicators
from tegnas.indicators.registry import BUILTIN
from tegnas.indicators.sources import Kernel, Network
from tegnas.networks.complexity import count_flops, count_parameters
from tegnas.ops import engine_ntk
from tegnas.scoring import native_scorer
from tegnas.search import SearchResult, search

SPACE = get_space("nas-bench-201")
ARCH = SPACE.parse(
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
)


@pytest.fixture(scope="module")
def batch():
    return load_batch("digits", train=10, val=8, seed=0, size=8)


def small(**changes):
    return {"repeats": 2, "region_samples": 50} | changes


# What comes with tegnas


@pytest.mark.parametrize("each", BUILTIN, ids=lambda each: each.name)
def test_every_indicator_tells_what_it_is(each):
    assert get_indicator(each.name) is each and each.name in indicator_names()
    assert each.title and each.symbol
    assert each.role in ("T", "E", "G", "extra")
    assert each.citation or each.name in ("parameters", "flops")
    assert pickle.loads(pickle.dumps(each)) is each and copy.deepcopy(each) is each


@pytest.mark.parametrize("each", BUILTIN, ids=lambda each: each.name)
def test_every_indicator_scores_an_architecture_alone(each, batch):
    scores = tegnas.score([ARCH], batch, space=SPACE, indicators=[each.name], **small())
    assert scores[each.name].shape == (1,) and bool(scores[each.name].isfinite())
    networks = scores.networks[each.name].shape[1]
    of_small_networks = isinstance(each.source, Kernel) or each.role == "E" and networks == 2
    assert networks == (2 if of_small_networks else networks)


def test_an_indicator_has_the_same_value_in_any_company(batch):
    names = [each.name for each in BUILTIN if not isinstance(each.source, Network)]
    together = tegnas.score([ARCH], batch, space=SPACE, indicators=names, **small())
    for name in names:
        alone = tegnas.score([ARCH], batch, space=SPACE, indicators=[name], **small())
        torch.testing.assert_close(together.networks[name], alone.networks[name])


def test_indicators_of_one_kernel_share_it(batch, monkeypatch):
    calls = []

    def counting(*arguments, **more):
        calls.append(arguments)
        return engine_ntk(*arguments, **more)

    scorer = tegnas.scoring.Scorer(SPACE, batch, tegnas.ScoreSettings(**small()))
    monkeypatch.setattr(native_scorer.ops, "engine_ntk", counting)
    scorer([ARCH])
    assert len(calls) == 1


def test_distances_beside_kernels_take_no_call_of_their_own(batch, monkeypatch):
    both = {**small(), "indicators": ["ntk_condition", "pattern_rank"]}
    alone = {**small(), "indicators": ["pattern_rank"]}
    expected = tegnas.score([ARCH], batch, space=SPACE, **alone).networks["pattern_rank"]
    monkeypatch.delattr(native_scorer.ops, "engine_pattern_distances")
    found = tegnas.score([ARCH], batch, space=SPACE, **both).networks["pattern_rank"]
    assert torch.equal(found, expected)


def test_sizes_count_the_network_in_use_with_the_classes_of_the_images(batch):
    for space in (SPACE, get_space("darts"), get_space("mobilenet")):
        arch = space.sample(random.Random(1))
        scores = tegnas.score(
            [arch], batch, space=space, indicators=["parameters", "flops"], **small()
        )
        network = space.network(arch, "full", num_classes=batch.num_classes)
        auxiliary = getattr(network, "auxiliary", None)
        extra = 0 if auxiliary is None else count_parameters(auxiliary)
        assert scores["parameters"].item() == count_parameters(network) - extra
        if auxiliary is None:
            assert scores["flops"].item() == count_flops(network, batch.image_shape)


def test_a_supernet_has_no_size_and_it_stays_out_of_its_ranking(batch):
    settings = tegnas.ScoreSettings(
        indicators=["variance_inflation", "parameters"], combination="rank-sum", **small()
    )
    scores = tegnas.score([SPACE.supernet(), ARCH], batch, space=SPACE, settings=settings)
    assert math.isnan(scores["parameters"][0].item())
    assert sorted(scores.rank_score().tolist()) == [1.0, 2.0]


# Scores


def test_scores_are_read_by_name_and_by_role(batch):
    scores = tegnas.score([ARCH], batch, space=SPACE, **small())
    assert scores.settings.names == (
        "variance_inflation", "linear_regions", "leave_one_out_error", "pattern_rank"
    )  # fmt: skip
    assert torch.equal(scores.trainability, scores["variance_inflation"])
    assert torch.equal(scores.expressivity, scores.regions)
    assert torch.equal(scores.generalization, scores["leave_one_out_error"])
    assert scores.networks["linear_regions"].shape == (1, 2)
    for missing in (lambda: scores.kappa, lambda: scores.mse, lambda: scores["kappa"]):
        with pytest.raises(InputError, match="these scores hold variance_inflation"):
            missing()
    both = tegnas.score(
        [ARCH], batch, space=SPACE, indicators=["ntk_condition", "variance_inflation"], **small()
    )
    with pytest.raises(InputError, match="several .ntk_condition, variance_inflation"):
        _ = both.trainability
    with pytest.raises(InputError, match="for expressivity these scores hold none"):
        _ = both.expressivity


def test_scores_become_tables(batch):
    archs = [ARCH, SPACE.sample(random.Random(3))]
    scores = tegnas.score(archs, batch, space=SPACE, **small())
    frame = scores.to_frame()
    assert list(frame.columns) == ["arch", *scores.settings.names, "position"]
    assert frame["arch"].tolist() == [str(arch) for arch in archs]
    assert scores.best(1) == [archs[frame["position"].argmin()]]
    html = scores._repr_html_()
    assert str(ARCH) in html and "VIF" in html
    result = search(SPACE, batch, "random", 3, settings=tegnas.ScoreSettings(**small()))
    assert len(result) == len(list(result)) == len(result.to_frame()) == 3
    assert result["linear_regions"].shape == (3,) and "<table>" in result._repr_html_()
    assert result.ranked()[0] == result.best


# The user's own


@indicator(better="lower", log_scale=True)
def smallest_eigenvalue_of_images(network, images, labels):
    """Of the images' Gram, whatever the network."""
    rows = images.flatten(1).double()
    return float(torch.linalg.eigvalsh(rows @ rows.T)[0])


@indicator(better="higher", computed_from="kernel", symbol="tr", role="G")
def kernel_trace(kernel):
    """Trace of the kernel."""
    return kernel.trace()


@indicator(better="higher", computed_from="architecture")
def convolutions(arch, space):
    """Number of convolutions."""
    return str(arch).count("conv")


OWN = (smallest_eigenvalue_of_images, kernel_trace, convolutions)


def test_functions_become_indicators(batch):
    scores = tegnas.score([ARCH], batch, space=SPACE, indicators=OWN, **small())
    rows = batch.images.flatten(1).double()
    expected = torch.linalg.eigvalsh(rows @ rows.T)[0]
    assert scores["smallest_eigenvalue_of_images"].item() == pytest.approx(expected.item())
    assert scores["convolutions"].tolist() == [4.0]
    assert scores.generalization.item() > 0
    assert kernel_trace.label == "G (tr)" and kernel_trace.title == "Trace of the kernel"


def test_an_edited_function_is_another_indicator():
    def made(text: str):
        scope: dict = {}
        exec(text, scope)
        return indicator(better="lower", name="own")(scope["f"])

    one, two = made("def f(n, i, l): return 1.0"), made("def f(n, i, l): return 2.0")
    keys = {tegnas.ScoreSettings(indicators=[each]).key() for each in (one, two)}
    assert one.version != two.version and len(keys) == 2


def test_a_failing_indicator_is_the_worst(batch):
    @indicator(better="higher")
    def undefined(network, images, labels):
        return math.nan

    scores = tegnas.score([ARCH], batch, space=SPACE, indicators=[undefined], **small())
    assert scores["undefined"].item() == -math.inf


FILE = '''
import tegnas

@tegnas.indicator(better="higher", symbol="W")
def weights(network, images, labels):
    """Sum of all absolute weights."""
    return sum(each.detach().abs().sum().item() for each in network.parameters())
'''


def test_the_command_takes_an_indicator_from_a_file(tmp_path):
    (tmp_path / "mine.py").write_text(FILE)
    reference = f"{tmp_path / 'mine.py'}:weights"
    done = CliRunner().invoke(
        app, ["score", str(ARCH), "--images", "noise", "--indicator", reference, "--json"]
    )
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.stdout)["scores"]
    network = SPACE.network(ARCH, "full")
    expected = sum(each.abs().sum().item() for each in network.parameters())
    assert row["weights"] == pytest.approx(expected)


@pytest.mark.parametrize("executor", ["in-process", "process"])
def test_a_search_by_an_indicator_from_a_file(batch, tmp_path, executor):
    (tmp_path / "mine.py").write_text(FILE)
    reference = f"{tmp_path / 'mine.py'}:weights"
    settings = tegnas.ScoreSettings(indicators=["linear_regions", reference], **small())
    workers = None if executor == "in-process" else 1
    result = search(
        SPACE,
        batch,
        "random",
        2,
        settings=settings,
        out=tmp_path / "run",
        executor=executor,
        workers=workers,
    )
    path = tmp_path / "run" / "result.json"
    # What a file names isn't run because it names it.
    with pytest.raises(InputError, match="code is not run because a file names it"):
        SearchResult.load(path)
    loaded = SearchResult.load(path, indicators=[get_indicator(reference)])
    assert loaded.best == result.best
    for command in ("export", "report"):
        asked = [command, str(tmp_path / "run"), "-o", str(tmp_path / command)]
        assert CliRunner().invoke(app, asked).exit_code != 0
        assert CliRunner().invoke(app, [*asked, "--indicator", reference]).exit_code == 0


def test_what_is_no_indicator_is_named(tmp_path):
    (tmp_path / "mine.py").write_text("def plain(): pass\n" + FILE.replace("weights", "flops"))
    for reference, message in (
        (f"{tmp_path / 'mine.py'}:plain", "plain in .* is a function and not an indicator"),
        (f"{tmp_path / 'mine.py'}:missing", "has no indicator called missing"),
        (f"{tmp_path / 'other.py'}:weights", "the indicator file .* can't be read"),
        (f"{tmp_path / 'mine.py'}:flops", "tegnas has an indicator 'flops'; name it otherwise"),
        ("kapa", "unknown indicator 'kapa'; tegnas has ntk_condition"),
    ):
        with pytest.raises(InputError, match=message):
            get_indicator(reference)
    with pytest.raises(InputError, match="is not an indicator; use a name, or decorate"):
        as_indicators([len])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"better": "more"}, "better must be lower or higher, got 'more'"),
        ({"role": "X"}, "unknown role 'X'; choose one of T, E, G, extra"),
        ({"name": "My Own"}, "'My Own' can't name an indicator"),
        ({"computed_from": "weights"}, "computed_from must be one of network, kernel, archit"),
        ({"weights": "none"}, "weights must be all or searched"),
    ],
)
def test_a_malformed_indicator_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        indicator(**{"better": "lower", "name": "own"} | change)(
            lambda network, images, labels: 0.0
        )


def test_values_are_shown_as_what_they_are():
    kappa, regions = get_indicator("ntk_condition"), get_indicator("linear-regions")
    assert kappa.text(1234.5678) == "1,235" and kappa.text(math.inf) == "inf"
    assert kappa.text(123456.7) == "1.23e+05" and kappa.text(math.nan) == "—"
    assert kappa.text(13370.4) == "13,370" and kappa.text(184.0, 2) == "180"
    assert regions.text(2895.0) == "2,895"
    assert kappa.drawn(np.array([100.0, math.inf])).tolist()[0] == 2.0
    assert kappa.axis == "log₁₀ κ (lower is better)" and kappa.label == "T (κ)"
