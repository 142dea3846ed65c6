"""Random walks and sampled neighbours, with real scores of a few tiny settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from paper import paper_settings

import tegnas
from tegnas.analysis.runs import all_scores, load_runs
from tegnas.analysis.sampling import sample_ruggedness, with_neighbours
from tegnas.errors import InputError

SETTINGS = paper_settings(repeats=1, region_samples=100, region_batch_size=50)


@pytest.fixture(scope="module")
def batch() -> tegnas.Batch:
    return tegnas.load_batch("digits", train=8, val=8, seed=0)


@pytest.mark.parametrize("name", ["nas-bench-201", "darts"])
def test_walks_tell_of_a_space(name: str, batch: tegnas.Batch) -> None:
    space = tegnas.get_space(name)
    figures = sample_ruggedness(space, batch, walks=3, steps=4, settings=SETTINGS)
    assert 4 <= figures.count <= 12 and figures.space == name
    assert set(figures.autocorrelation) == {"T (κ)", "E (R)", "G (MSE)", "T + E + G"}
    assert set(figures.agreement) == {
        "T (κ) and E (R)",
        "T (κ) and G (MSE)",
        "E (R) and G (MSE)",
    }
    assert 0 < figures.front <= 1
    again = sample_ruggedness(space, batch, walks=3, steps=4, settings=SETTINGS)
    assert again.autocorrelation == pytest.approx(figures.autocorrelation, nan_ok=True)
    assert (again.count, again.failed, again.front) == (
        figures.count,
        figures.failed,
        figures.front,
    )
    with pytest.raises(InputError, match="2 walks"):
        sample_ruggedness(space, batch, walks=1)


def test_neighbours_are_scored_as_the_run_was(batch: tegnas.Batch, tmp_path: Path) -> None:
    space = tegnas.get_space("nas-bench-201")
    tegnas.search(space, batch, "random", 6, out=tmp_path / "run", settings=SETTINGS)
    runs = load_runs([tmp_path / "run"])
    before = all_scores(runs)
    after = with_neighbours(runs, before, 5)
    assert len(after) == len(before) + 5 and after.archs[: len(before)] == before.archs
    direct = tegnas.score(after.archs[-5:], batch, space=space, settings=SETTINGS)
    for name in SETTINGS.names:
        assert after[name][-5:] == pytest.approx(direct[name].numpy())

    path = tmp_path / "run" / "result.json"
    content = json.loads(path.read_text())
    content["settings"]["data"] = "other"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match="loaded again"):
        with_neighbours(load_runs([tmp_path / "run"]), before, 5)
