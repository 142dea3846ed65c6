"""The preset best, in scores, searches and files: what counts where nothing is said."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from tegnas import ScoreSettings, get_preset, load_batch, score, score_module, search
from tegnas.analysis.score_table import read_scores
from tegnas.cli import app
from tegnas.errors import InputError
from tegnas.scoring.average import averaged
from tegnas.scoring.presets import describe, nearest_preset
from tegnas.scoring.ranking import combine
from tegnas.scoring.settings import changed
from tegnas.search import SearchResult
from tegnas.search.compare import compare
from tegnas.spaces import Darts, get_space
from tegnas.spaces.small_size import SmallSize

SPACE = get_space("nas-bench-201")
BEST = ("variance_inflation", "linear_regions", "leave_one_out_error", "pattern_rank")


def settings(**changes):
    return changed(get_preset("best"), repeats=2, region_samples=50, **changes)


@pytest.fixture(scope="module")
def batch():
    return load_batch("noise", train=12, val=4, seed=0)


def sample(space, count: int) -> list:
    rng = random.Random(0)
    return [space.sample(rng) for _ in range(count)]


def test_it_is_what_the_studies_declared():
    assert get_preset("best") == ScoreSettings(
        indicators=BEST,
        small_networks="deep",
        image_size=8,
        repeats=10,
        average="median",
        combination="log-rank",
        batch_norm="frozen",
        train=64,
        region_samples=1000,
        region_batch_size=1000,
    )
    assert [each.weight for each in get_preset("best").indicators] == [1, 1, 1, 0.5]


def test_log_rank_counts_from_the_worst():
    costs = [np.array([1.0, 2, 3]), np.array([3.0, 1, 2])]
    found = combine(costs, np.zeros(3, dtype=bool), "log-rank")
    assert found == pytest.approx([math.log(3), math.log(1.5), math.log(3) + math.log(1.5)])


SMALL_DARTS = Darts(deep=SmallSize(2, depth=0), deep_thin=SmallSize(1, depth=0))


@pytest.mark.parametrize("space", [SPACE, SMALL_DARTS], ids=lambda space: space.name)
def test_engines_agree(batch, space):
    archs = sample(space, 4)
    native, torch_ = (
        score(archs, batch, space=space, settings=settings(engine=engine))
        for engine in ("native", "torch")
    )
    for name in ("variance_inflation", "leave_one_out_error"):
        torch.testing.assert_close(native[name], torch_[name], rtol=5e-3, atol=0)


@pytest.mark.parametrize("strategy", ["evolution", "prune", "reinforce"])
def test_a_search_ranks_by_it_and_its_files_say_so(batch, tmp_path, strategy):
    chosen = settings(seed=0, indicators=[*BEST, "parameters"])
    result = search(SPACE, batch, strategy, 60, out=tmp_path / "run", settings=chosen, seed=0)
    assert result.best.settings == chosen
    loaded = SearchResult.load(tmp_path / "run" / "result.json")
    assert loaded.best == result.best
    assert [each.arch for each in loaded.history] == [each.arch for each in result.history]
    table = read_scores(tmp_path / "run")
    assert table.settings == chosen
    assert table.rank_score[table.archs.index(result.best.arch)] == table.rank_score.min()


def test_a_median_bears_less_than_half_of_the_networks_failing():
    networks = np.array([[1.0, 5, 2, math.inf], [1, 2, math.inf, math.inf]])
    assert averaged(networks, "median").tolist() == [2.0, math.inf]
    assert averaged(networks).tolist() == [8 / 3, math.inf]
    assert averaged(-networks).tolist() == [-8 / 3, -math.inf]
    assert math.isnan(averaged(np.array([math.nan])).item())


def test_it_is_the_default_everywhere(batch, tmp_path):
    archs = sample(SPACE, 2)
    expected = score(archs, batch, space=SPACE, settings=changed(get_preset("best"), seed=3))
    found = score(archs, batch, space=SPACE, seed=3)
    assert torch.equal(found.trainability, expected.trainability)
    result = search(SPACE, batch, "random", 2, seed=3)
    assert result.settings["score"] == changed(get_preset("best"), seed=3).to_json()
    (row,) = compare(SPACE, batch, ["random"], [3], 2, out=tmp_path)
    best = score([row.arch], batch, space=SPACE)
    assert row.indicators["variance_inflation"] == pytest.approx(best.trainability.item())
    network = SPACE.network(archs[0], "deep")
    assert tuple(score_module(network, batch)) == BEST
    shown = CliRunner().invoke(app, ["score", str(archs[0]), "--images", "noise"])
    assert "Scored by preset best: variance_inflation, linear_regions, leave" in shown.stdout


def test_a_preset_takes_changes_and_refuses_unknown_names():
    chosen = changed(get_preset("best"), repeats=4, seed=3)
    assert nearest_preset(chosen) == ("best", {"repeats": 4})
    assert describe(chosen) == "preset best, repeats 4"
    assert get_preset("paper").batch_norm == "coupled"
    with pytest.raises(InputError, match="tegnas has best, fast, paper"):
        get_preset("worst")
