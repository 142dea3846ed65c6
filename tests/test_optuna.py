"""Studies of Optuna over spaces of tegnas, with the real library."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import replace

import pytest
from paper import evaluated
from torch import nn

import tegnas
from tegnas import InputError
from tegnas.cli import main
from tegnas.spaces import ChoiceSpace

optuna = pytest.importorskip("optuna", reason="the extra tegnas[optuna] isn't installed")

from tegnas.integrations.optuna import (  # noqa: E402
    ARCHITECTURE,
    Objective,
    StrategySampler,
    StudyLog,
    create_study,
)

optuna.logging.set_verbosity(optuna.logging.WARNING)
SETTINGS = tegnas.ScoreSettings(
    indicators=("variance_inflation", "kernel_rank", "leave_one_out_error"),
    repeats=1,
    train=8,
    val=8,
)
EVOLUTION = {"population": 4, "tournament": 2}


def build(choices, num_classes):
    width = choices["width"]
    layers = [nn.Conv2d(3, width, choices["kernel"], padding=1, bias=False), nn.ReLU()]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(),
                         nn.Linear(width, num_classes))  # fmt: skip


SPACE = ChoiceSpace("tiny", {"width": (2, 3, 4, 5), "kernel": (1, 3)}, build)


@pytest.fixture(scope="module")
def batch() -> tegnas.Batch:
    return tegnas.load_batch("digits", train=8, val=8, seed=0)


def told(study) -> list[tuple[str, tuple[float, ...]]]:
    return [(each.user_attrs[ARCHITECTURE], tuple(each.values)) for each in study.trials]


def history(result) -> list[tuple[str, tuple[float, ...]]]:
    return [(str(each.arch), each.values) for each in result]


def search(batch, budget: int = 8, **more):
    return tegnas.search(
        SPACE, batch, "evolution", budget, seed=3, settings=SETTINGS, options=EVOLUTION, **more
    )


def test_objectives_are_the_indicators_in_their_directions(batch):
    sampler = optuna.samplers.NSGAIISampler(seed=0)
    study = create_study(SPACE, SETTINGS, sampler=sampler)
    assert [each.name for each in study.directions] == ["MINIMIZE", "MAXIMIZE", "MINIMIZE"]
    assert study.metric_names == ["T (VIF)", "E (rank)", "G (LOO)"]
    study.optimize(Objective(SPACE, batch, SETTINGS), n_trials=4)
    archs = [text for text, _ in told(study)]
    scores = tegnas.score(archs, batch, space=SPACE, settings=SETTINGS)
    for row, (_, values) in enumerate(told(study)):
        assert values == tuple(float(scores[name][row]) for name in SETTINGS.names)
    assert study.best_trials


def test_a_strategy_proposes_what_a_search_proposes(batch):
    study = create_study(
        SPACE, SETTINGS, sampler=StrategySampler(SPACE, seed=3, settings=SETTINGS, **EVOLUTION)
    )
    study.optimize(Objective(SPACE, batch, SETTINGS), n_trials=8)
    assert [text for text, _ in told(study)] == [str(each.arch) for each in search(batch)]


def test_a_sampler_refuses_a_study_of_other_settings(batch):
    study = create_study(SPACE, SETTINGS, sampler=StrategySampler(SPACE, "random"))
    with pytest.raises(tegnas.InputError, match="3 values, and .* 4 indicators: give it those of"):
        study.optimize(Objective(SPACE, batch, SETTINGS), n_trials=1)


def test_a_study_that_was_stopped_goes_on_to_the_same(batch, tmp_path):
    storage = f"sqlite:///{tmp_path}/study.db"
    objective = Objective(SPACE, batch, SETTINGS)
    for trials in (3, 4, 1):
        sampler = StrategySampler(SPACE, seed=3, settings=SETTINGS, **EVOLUTION)
        study = create_study(SPACE, SETTINGS, storage=storage, name="one", sampler=sampler)
        study.optimize(objective, n_trials=trials)
    assert [text for text, _ in told(study)] == [str(each.arch) for each in search(batch)]


def test_a_study_ends_with_its_strategy(batch):
    study = create_study(
        SPACE, SETTINGS, sampler=StrategySampler(SPACE, "exhaustive", settings=SETTINGS)
    )
    study.optimize(Objective(SPACE, batch, SETTINGS), n_trials=100)
    assert {text for text, _ in told(study)} == {str(each) for each in SPACE}
    assert len(study.trials) == len(SPACE)


def test_a_failed_trial_is_proposed_again(batch):
    objective, calls = Objective(SPACE, batch, SETTINGS), []

    def fails_once(trial):
        values = objective(trial)
        calls.append(trial.user_attrs[ARCHITECTURE])
        if len(calls) == 2:
            raise ValueError("a failure")
        return values

    study = create_study(
        SPACE, SETTINGS, sampler=StrategySampler(SPACE, "random", seed=1, settings=SETTINGS)
    )
    study.optimize(fails_once, n_trials=3, catch=(ValueError,))
    assert calls[1] == calls[2] and calls[0] != calls[1]


def test_trials_at_the_same_time_are_refused(batch):
    study = create_study(
        SPACE, SETTINGS, sampler=StrategySampler(SPACE, "random", settings=SETTINGS)
    )
    with pytest.raises(InputError, match="n_jobs=1"):
        study.optimize(Objective(SPACE, batch, SETTINGS), n_trials=4, n_jobs=2)


def test_a_search_is_written_as_a_study(batch, tmp_path):
    storage = f"sqlite:///{tmp_path}/study.db"
    log = StudyLog(SPACE, storage, "run", SETTINGS)
    result = search(batch, evaluated=log)
    study = optuna.load_study(study_name="run", storage=storage)
    assert told(study) == history(result)
    assert study.trials[0].params == dict(result.history[0].arch.options)
    again = search(batch, budget=10, evaluated=StudyLog(SPACE, storage, "run", SETTINGS))
    assert told(optuna.load_study(study_name="run", storage=storage)) == history(again)


def test_failures_are_written_as_infinite(tmp_path):
    space, settings = tegnas.get_space("nas-bench-201"), tegnas.get_preset("fast")
    storage = f"sqlite:///{tmp_path}/study.db"
    arch = space.parse("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|")
    StudyLog(space, storage, "run", settings)([evaluated(arch, math.inf, 1.0, math.inf)])
    (trial,) = optuna.load_study(study_name="run", storage=storage).trials
    assert trial.values == [math.inf, 1.0, math.inf]


def test_what_a_race_gave_up_is_written_as_pruned(tmp_path):
    space, settings = tegnas.get_space("nas-bench-201"), tegnas.get_preset("fast")
    storage = f"sqlite:///{tmp_path}/study.db"
    whole = evaluated(space.parse("012342"), 2.0, 9.0, 0.5)
    stopped = replace(evaluated(space.parse("000001"), 2.0, 9.0, 0.5), stopped_after=1)
    StudyLog(space, storage, "run", settings)([whole, stopped])
    trials = optuna.load_study(study_name="run", storage=storage).trials
    assert [each.state.name for each in trials] == ["COMPLETE", "PRUNED"]
    assert trials[0].values == [2.0, 9.0, 0.5] and trials[1].values is None


def test_a_study_of_another_search_is_left_alone(batch, tmp_path):
    storage = f"sqlite:///{tmp_path}/study.db"
    search(batch, budget=2, evaluated=StudyLog(SPACE, storage, "run", SETTINGS))
    other = StudyLog(SPACE, storage, "run", SETTINGS)
    with pytest.raises(InputError, match="trial 0 of the study 'run' is of another search"):
        tegnas.search(SPACE, batch, "random", 2, seed=9, settings=SETTINGS, evaluated=other)
    with pytest.raises(InputError, match="is of another score"):
        StudyLog(SPACE, storage, "run", tegnas.get_preset("fast"))


@pytest.mark.parametrize("storage", ["nowhere:///x", "sqlite:////does/not/exist/x.db", "file.db"])
def test_a_storage_that_cannot_be_used_is_one_sentence(storage):
    with pytest.raises(InputError, match="Optuna can't use the storage"):
        create_study(SPACE, SETTINGS, storage=storage, name="run")


def test_the_command_writes_a_study(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    words = "search --strategy random --budget 3 --train 8 --val 8 --repeats 1 --out runs/one"
    monkeypatch.setattr(sys, "argv", ["tegnas", *words.split(), "--storage", "sqlite:///s.db"])
    with pytest.raises(SystemExit, match="0"):
        main()
    assert (
        "Study one in sqlite:///s.db; look at it with: optuna-dashboard" in capfd.readouterr().out
    )
    study = optuna.load_study(study_name="one", storage="sqlite:///s.db")
    saved = json.loads((tmp_path / "runs/one/result.json").read_text())["history"]
    assert [text for text, _ in told(study)] == [each["arch"] for each in saved]


def test_the_dashboard_shows_a_run(batch, tmp_path):
    dashboard = pytest.importorskip("optuna_dashboard", reason="optuna-dashboard isn't installed")
    storage = f"sqlite:///{tmp_path}/study.db"
    result = search(batch, budget=3, evaluated=StudyLog(SPACE, storage, "run", SETTINGS))
    app = dashboard.wsgi(storage)
    (summary,) = requested(app, "/api/studies")["study_summaries"]
    assert summary["study_name"] == "run"
    detail = requested(app, f"/api/studies/{summary['study_id']}", "after=0")
    assert detail["objective_names"] == ["T (VIF)", "E (rank)", "G (LOO)"]
    assert len(detail["trials"]) == len(result)


def requested(app, path: str, query: str = "") -> dict:
    """What a WSGI application answers, as JSON."""
    environ = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "SERVER_NAME": "x",
        "SERVER_PORT": "80", "wsgi.url_scheme": "http", "wsgi.input": sys.stdin.buffer,
        "wsgi.errors": sys.stderr,
    }  # fmt: skip
    statuses = []
    body = b"".join(app(environ, lambda status, headers, *_: statuses.append(status)))
    assert statuses == ["200 OK"], body
    return json.loads(body)
