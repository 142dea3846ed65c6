"""The preset best: parameters as a fourth term, log-rank, in scores, searches and files."""

from __future__ import annotations

import math
import random
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from tegnas import get_preset, load_batch, score, search
from tegnas.analysis.score_table import read_scores
from tegnas.errors import InputError
from tegnas.networks.complexity import count_parameters
from tegnas.scoring.average import averaged
from tegnas.scoring.ranking import combine, rank_sum
from tegnas.search import SearchResult
from tegnas.search.compare import compare
from tegnas.search.evaluation import Evaluation, rank_sums
from tegnas.spaces import get_space
from tegnas.spaces.sizes import full_parameters

SPACE = get_space("nas-bench-201")


def settings(**changes):
    return get_preset("best").settings(repeats=2, region_samples=50, **changes)


@pytest.fixture(scope="module")
def batch():
    return load_batch("noise", train=12, val=4, seed=0)


def sample(space, count: int) -> list:
    rng = random.Random(0)
    return [space.sample(rng) for _ in range(count)]


def test_log_rank_counts_from_the_worst():
    costs = [np.array([1.0, 2, 3]), np.array([3.0, 1, 2])]
    found = combine(costs, np.zeros(3, dtype=bool), "log-rank")
    assert found == pytest.approx([math.log(3), math.log(1.5), math.log(3) + math.log(1.5)])


def test_an_architecture_that_fails_is_worst_however_large_it_is():
    kappa, regions = np.array([np.inf, 2.0, 3.0]), np.array([9.0, 5, 4])
    mse, parameters = np.array([np.inf, 1.0, 2.0]), np.array([100.0, 10, 20])
    for combination in ("rank-sum", "log-rank"):
        order = rank_sum(kappa, regions, mse, parameters, combination)
        assert order.argmax() == 0 and order.argmin() == 1


@pytest.mark.parametrize("name", ["nas-bench-201", "darts", "mobilenet"])
def test_parameters_are_those_of_the_full_network(name):
    space = get_space(name)
    for arch in sample(space, 3):
        with torch.device("meta"):
            network = space.network(arch, "full")
        auxiliary = getattr(network, "auxiliary", None)
        extra = 0 if auxiliary is None else count_parameters(auxiliary)
        assert full_parameters(space, arch) == count_parameters(network) - extra


def test_a_supernet_has_no_parameters_and_they_stay_out_of_its_ranking(batch):
    assert full_parameters(SPACE, SPACE.supernet()) is None
    with_, without = Evaluation("a", 2.0, 1.0, 1.0, None, 5.0), Evaluation("b", 1.0, 1.0, 1.0)
    assert rank_sums([with_, without]).tolist() == [2 + 1.5 + 1.5, 1 + 1.5 + 1.5]


@pytest.mark.parametrize("name", ["nas-bench-201", "darts"])
def test_engines_agree(batch, name):
    space = get_space(name)
    archs = sample(space, 4)
    native, torch_ = (
        score(archs, batch, space=space, settings=settings(engine=engine))
        for engine in ("native", "torch")
    )
    torch.testing.assert_close(native.kappa, torch_.kappa, rtol=5e-3, atol=0)
    torch.testing.assert_close(native.mse, torch_.mse, rtol=5e-3, atol=0)
    assert native.parameters.tolist() == [full_parameters(space, arch) for arch in archs]


def test_a_ranking_counts_parameters_only_if_told_to(batch):
    archs = sample(SPACE, 8)
    scores = score(archs, batch, space=SPACE, settings=settings())
    costs = [scores.kappa.numpy(), -scores.regions.numpy(), scores.mse.numpy()]
    bad = ~np.isfinite(costs[0])
    without = score(archs, batch, space=SPACE, settings=settings(parameters=False))
    assert without.parameters is None
    assert without.rank_sum().numpy() == pytest.approx(combine(costs, bad, "log-rank"))
    costs.append(-scores.parameters.numpy())
    assert scores.rank_sum().numpy() == pytest.approx(combine(costs, bad, "log-rank"))


@pytest.mark.parametrize("strategy", ["evolution", "prune", "reinforce"])
def test_a_search_ranks_by_it_and_its_files_say_so(batch, tmp_path, strategy):
    result = search(
        SPACE, batch, strategy, 60, out=tmp_path / "run", settings=settings(seed=0), seed=0
    )
    assert result.best.parameters == full_parameters(SPACE, result.best.arch)
    assert result.best.combination == "log-rank"
    loaded = SearchResult.load(tmp_path / "run" / "result.json")
    assert loaded.best == result.best and loaded.history == result.history
    table = read_scores(tmp_path / "run")
    best = table.archs[int(table.rank_sum.argmin())]
    assert table.parameters is not None and table.combination == "log-rank"
    assert table.rank_sum[table.archs.index(result.best.arch)] == pytest.approx(
        table.rank_sum[table.archs.index(best)]
    )


def test_a_median_bears_less_than_half_of_the_networks_failing():
    repeats = torch.tensor([[1.0, 5, 2, math.inf], [1, 2, math.inf, math.inf]], dtype=torch.float64)
    assert averaged(repeats, "median").tolist() == [3.5, math.inf]
    assert averaged(repeats[:, :3]).tolist() == [8 / 3, math.inf]


def test_kernels_of_most_architectures_of_darts_are_regular():
    space = get_space("darts")
    batch = load_batch("digits", seed=0)
    chosen = get_preset("best").settings(region_samples=10)
    scores = score(sample(space, 6), batch, space=space, settings=chosen)
    assert scores.kappa.isfinite().sum() >= 5


def test_python_scores_by_it_where_nothing_is_said(batch, tmp_path):
    archs = sample(SPACE, 2)
    expected = score(archs, batch, space=SPACE, settings=get_preset("best").settings(seed=3))
    found = score(archs, batch, space=SPACE, seed=3)
    assert torch.equal(found.kappa, expected.kappa) and found.combination == "log-rank"
    result = search(SPACE, batch, "random", 2, seed=3)
    assert result.settings["score"] == asdict(get_preset("best").settings(seed=3))
    (row,) = compare(SPACE, batch, ["random"], [3], 2, out=tmp_path)
    best = score([row.arch], batch, space=SPACE)
    assert row.kappa == pytest.approx(best.kappa.item())


def test_a_preset_takes_changes_and_refuses_unknown_names():
    chosen = replace(get_preset("best"), repeats=4).settings(seed=3)
    assert (chosen.repeats, chosen.seed, chosen.definition) == (4, 3, "left-out")
    assert get_preset("paper").settings().batch_norm == "coupled"
    with pytest.raises(InputError, match="tegnas has fast, paper, best"):
        get_preset("worst")
