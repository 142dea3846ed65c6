"""Refining: which candidates are trained, resuming, and what is concluded."""

from __future__ import annotations

import json
import random
import shutil
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from interrupted import Command
from paper import paper_settings

from tegnas import (
    AccuracyTable,
    InputError,
    SearchResult,
    ShortTrainer,
    TableTrainer,
    get_space,
    load_batch,
    refine,
    score,
    search,
)
from tegnas.cli import main
from tegnas.data.dataset import Dataset, load_dataset
from tegnas.refine.halving import Halving
from tegnas.refine.leaders import leader_scores
from tegnas.refine.model import AccuracyModel
from tegnas.refine.pool import Features
from tegnas.refine.short import validated
from tegnas.refine.training import Outcome, estimates
from tegnas.search.evaluation import Evaluation
from tegnas.train import recipe_for, train

SPACE = get_space("nas-bench-201")
SETTINGS = paper_settings(repeats=1, region_samples=60, region_batch_size=30)
IMAGES = {"train": 8, "val": 6}


def accuracy(arch: object) -> float:
    """A made-up one: convolutions of 3×3 are good, and one of the edges counts double."""
    text = str(arch)
    return 80.0 + 2 * text.count("nor_conv_3x3") + text.count("skip") - 3 * text.count("none")


def table(archs, accuracy=accuracy) -> AccuracyTable:
    rows = {str(arch): {"accuracy": accuracy(arch)} for arch in archs}
    return AccuracyTable(rows, ("accuracy",), "accuracy", "made-up")


@pytest.fixture(scope="module")
def everything() -> AccuracyTable:
    return table(SPACE)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "random"
    batch = load_batch("digits", seed=0, **IMAGES)
    search(SPACE, batch, "random", 24, 0, out=out, settings=SETTINGS)
    return out


@pytest.fixture(scope="module")
def found(run: Path) -> SearchResult:
    return SearchResult.load(run / "result.json")


def trained(result) -> list[str]:
    return [str(each.arch) for each in result.trained]


def ordered(evaluations) -> list[Evaluation]:
    """Those that didn't fail, best first as refine has them, one of each live part."""
    order = np.argsort(leader_scores(evaluations), kind="stable")
    first: dict[object, Evaluation] = {}
    for index in order:
        if not evaluations[index].failed:
            first.setdefault(SPACE.live(evaluations[index].arch), evaluations[index])
    return list(first.values())


# What is trained


def test_without_trainings_the_first_by_score_that_the_table_knows(found):
    known = found.ranked()[::2]
    archs = [each.arch for each in known]
    trainer = TableTrainer(SPACE, table(archs), table(archs, lambda arch: 1.5))
    result = refine(found, trainer, 0)
    assert result.best.arch == ordered(known)[0].arch
    assert (result.best.observed, result.best.truth) == (None, 1.5)
    assert result.trained == () and result.sureness is None


def test_the_first_is_the_best_by_score_and_the_next_are_leaders_far_from_it():
    batch = load_batch("digits", seed=0, **IMAGES)
    archs = list({SPACE.live(SPACE.sample(random.Random(i))): None for i in range(60)})
    scores = score(archs, batch, space=SPACE, settings=SETTINGS)
    result = refine(scores, TableTrainer(SPACE, table(archs)), 4, space=SPACE)
    leaders = [each.arch for each in ordered(list(scores))]
    leaders = leaders[: max(4, len(leaders) // 10)]
    chosen = [each.arch for each in result.trained]
    assert chosen[0] == leaders[0] and set(chosen) <= set(leaders)

    def differences(one, other):
        return sum(a != b for a, b in zip(one.operations, other.operations, strict=True))

    assert differences(chosen[1], chosen[0]) == max(differences(e, chosen[0]) for e in leaders)


def test_only_what_the_table_knows_is_trained(found):
    known = found.ranked()[1::2]
    result = refine(found, TableTrainer(SPACE, table([each.arch for each in known])), 100)
    parts = [SPACE.live(each.arch) for each in result.trained]
    assert {str(each) for each in parts} == {str(SPACE.live(e.arch)) for e in ordered(known)}
    assert len(set(parts)) == len(parts)


def test_neighbours_of_the_best_become_candidates_and_the_model_finds_the_best(found, everything):
    result = refine(found, TableTrainer(SPACE, everything), 16, neighbours=6)
    assert result.scored > 0
    start = max(accuracy(each.arch) for each in found.history)
    assert result.best.observed > start
    assert any(name.endswith("nor_conv_3x3") and weight > 0 for name, weight in result.learned)
    assert 0 <= result.sureness <= 1 and result.gain >= 0


def test_a_training_that_is_not_worth_it_ends_the_refinement(found, everything):
    result = refine(found, TableTrainer(SPACE, everything), 12, neighbours=0, worth=50.0)
    assert len(result.trained) == 4


def test_scores_are_refined_too(everything):
    rng = random.Random(1)
    batch = load_batch("digits", seed=0, **IMAGES)
    archs = [SPACE.sample(rng) for _ in range(12)]
    scores = score(archs, batch, space=SPACE, settings=SETTINGS)
    trainer = TableTrainer(SPACE, everything)
    alone = refine(scores, trainer, 8, space=SPACE)
    assert alone.scored == 0 and set(trained(alone)) <= set(map(str, archs))
    assert refine(scores, trainer, 6, space=SPACE, batch=batch, neighbours=3).scored > 0


def test_several_at_once_are_different(found, everything):
    result = refine(found, TableTrainer(SPACE, everything), 10, neighbours=0, at_once=3)
    assert len(set(trained(result))) == 10


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"trainings": -1}, "trainings must be at least 0"),
        ({"at_once": 0}, "at_once must be at least 1"),
        ({"neighbours": -1}, "neighbours must be at least 0"),
        ({"trainer": TableTrainer(SPACE, table([SPACE.sample(random.Random(9))]))}, "none of the"),
    ],
)
def test_wrong_questions_are_one_sentence(changes, message, found, everything):
    trainer = changes.pop("trainer", TableTrainer(SPACE, everything))
    with pytest.raises(InputError, match=message):
        refine(found, trainer, **changes)


def test_of_equal_networks_one_is_a_candidate(everything):
    live = SPACE.parse("|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_1x1~0|nor_conv_3x3~1|none~2|")
    dead = SPACE.parse(
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|none~1|+|nor_conv_1x1~0|nor_conv_3x3~1|none~2|"
    )
    batch = load_batch("digits", seed=0, **IMAGES)
    scores = score([live, dead], batch, space=SPACE, settings=SETTINGS)
    result = refine(scores, TableTrainer(SPACE, everything), 5, space=SPACE)
    assert result.candidates == 1 and trained(result) == [str(live)]


# The order of the leaders


def evaluated(*networks) -> list[Evaluation]:
    """Evaluations of made-up values of every network: of an indicator each (κ, R, MSE)."""
    settings = paper_settings(repeats=2)
    archs = [SPACE.sample(random.Random(number)) for number in range(len(networks))]
    return [
        Evaluation(arch, settings, tuple(float(np.mean(v)) for v in values), networks=values)
        for arch, values in zip(archs, networks, strict=True)
    ]


def test_trainability_does_not_order_the_leaders():
    same = ((5.0, 5.0), (50.0, 50.0))
    costs = leader_scores(evaluated(((1.0, 1.0), *same), ((9.0, 9.0), *same)))
    assert costs[0] == costs[1]


def test_of_equal_averages_the_one_that_the_networks_agree_on_is_first():
    kappa = (1.0, 1.0)
    agreed = (kappa, (80.0, 80.0), (0.5, 0.5))
    torn = (kappa, (99.0, 61.0), (0.5, 0.5))
    middle = (kappa, (70.0, 90.0), (0.5, 0.5))
    costs = leader_scores(evaluated(agreed, torn, middle))
    assert costs[0] < costs[1]


def test_failures_are_last():
    good, bad = ((1.0, 1.0), (5.0, 5.0), (0.5, 0.5)), ((np.inf, np.inf), (99.0, 99.0), (0.1, 0.1))
    costs = leader_scores(evaluated(good, bad))
    assert costs[0] < costs[1]


def test_a_loaded_result_has_no_single_networks_but_its_directory_has(tmp_path, everything):
    settings = paper_settings(repeats=2, region_samples=60, region_batch_size=30)
    batch = load_batch("digits", seed=0, **IMAGES)
    there = search(SPACE, batch, "random", 8, 0, out=tmp_path / "run", settings=settings)
    trainer = TableTrainer(SPACE, everything)
    with pytest.raises(InputError, match="give the directory of the search"):
        refine(SearchResult.load(tmp_path / "run" / "result.json"), trainer, 5, neighbours=0)
    expected = trained(refine(there, trainer, 5, neighbours=0))
    assert trained(refine(tmp_path / "run", trainer, 5, neighbours=0)) == expected


# The model


def test_the_model_knows_a_line_and_where_it_knows_least():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 2))
    features = Features(("a", "b"), x)
    model = AccuracyModel(features, list(range(10)), 90 + 2 * x[:10, 0])
    np.testing.assert_allclose(model.mean, 90 + 2 * x[:, 0], atol=0.05)
    assert model.learned()[0][0] == "a"
    gains = model.gain(list(range(10, 30)))
    assert np.argmax(gains) == np.argmax(x[10:, 0]) and (gains >= 0).all()
    assert model.sureness(int(np.argmax(x[:, 0])), list(range(10)), seed=0) > 0.9


def test_of_the_error_of_a_stopped_training_is_left_what_the_finished_ones_kept():
    outcomes = [Outcome((20.0, 60.0)), Outcome((60.0, 90.0)), Outcome((30.0,), True)]
    assert estimates(outcomes) == pytest.approx([60.0, 90.0, 100 - 70 * (1 / 2 + 1 / 4) / 2])
    assert estimates([Outcome((100.0, 100.0)), Outcome((30.0,), True)])[1] == 30.0


# Resuming


def test_goes_on_from_any_training_to_the_same_result(found, everything, tmp_path):
    class Interrupted(TableTrainer):
        left = 0

        def run(self, archs, before, report):
            for each in super().run(archs, before, report):
                if self.left == 0:
                    raise KeyboardInterrupt
                Interrupted.left -= 1
                yield each

    whole = refine(found, TableTrainer(SPACE, everything), 9, neighbours=4, seed=3)
    out = tmp_path / "out"
    for after in (1, 5):
        Interrupted.left = after
        with pytest.raises(KeyboardInterrupt):
            refine(found, Interrupted(SPACE, everything), 9, neighbours=4, seed=3, out=out)
    resumed = refine(found, TableTrainer(SPACE, everything), 9, neighbours=4, seed=3, out=out)
    assert resumed.trained == whole.trained and resumed.best == whole.best
    more = refine(found, TableTrainer(SPACE, everything), 10, neighbours=4, seed=3, out=out)
    assert more.trained[:9] == whole.trained
    with pytest.raises(InputError, match="another configuration"):
        refine(found, TableTrainer(SPACE, everything), 9, neighbours=5, seed=3, out=out)


# Real trainings


@pytest.fixture(scope="module")
def few() -> Dataset:
    return load_dataset("digits", size=8)


def test_validation_images_are_training_images_held_out(few: Dataset):
    split = validated(few)
    assert len(split.images) + len(split.test_images) == len(few.images)
    every = {image.numpy().tobytes() for image in few.test_images}
    assert not every & {image.numpy().tobytes() for image in split.test_images}
    assert sorted([*split.labels.tolist(), *split.test_labels.tolist()]) == sorted(
        few.labels.tolist()
    )


def test_no_image_is_held_out_twice(few: Dataset):
    held_out = [validated(few, fold).test_images for fold in range(5)]
    images = [image.numpy().tobytes() for part in held_out for image in part]
    assert len(set(images)) == len({image.numpy().tobytes() for image in few.images} & set(images))
    assert len(images) >= len(few.images) - 4


def test_folds_are_one_training_and_their_mean_its_accuracy(few, found, tmp_path):
    recipe = recipe_for(SPACE, "digits", epochs=1, batch_size=512)
    size = {"channels": 1, "cells": 1, "halving": False}
    trainer = ShortTrainer(SPACE, few, recipe, folds=2, folder=tmp_path, **size)
    ((_, outcome),) = trainer.run([found.best.arch], (), lambda share: None)
    finals = [
        train(
            SPACE, found.best.arch, validated(few, fold), recipe, channels=1, cells=1, seed=fold
        ).test_accuracy
        for fold in (0, 1)
    ]
    assert outcome.epochs == pytest.approx([finals[0], np.mean(finals)])
    assert not outcome.stopped and len(list(tmp_path.iterdir())) == 2
    with pytest.raises(InputError, match="folds must be 1 to 5"):
        ShortTrainer(SPACE, few, recipe, folds=6, **size)


def test_halving_stops_the_worse_half():
    pytest.importorskip("optuna")
    before = [Outcome((50.0, 60.0, 70.0, 80.0)), Outcome((55.0, 65.0, 75.0, 85.0))]
    worse, better = Halving(4, before), Halving(4, before)
    assert worse.ends(1, 40.0)
    assert not any(better.ends(epoch, 90.0) for epoch in (1, 2, 3, 4))


def command(run: Path, out: Path) -> tuple[str, ...]:
    return (
        "refine", str(run), "--trainings", "3", "--out", str(out), "--image-size", "8",
        "--channels", "2", "--cells", "1", "--epochs", "2", "--batch-size", "512",
        "--neighbours", "0", "--device", "cpu", "--json",
    )  # fmt: skip


def test_a_refinement_killed_at_any_moment_ends_the_same(run, tmp_path):
    pytest.importorskip("optuna")
    whole = tmp_path / "whole"
    Command(command(run, whole), tmp_path / "first").finish()
    out = tmp_path / "killed"
    folder = tmp_path / "second"
    checkpoints = out / "trainings"
    Command(command(run, out), folder).stop(
        signal.SIGKILL, lambda: any(checkpoints.glob("*/checkpoint.pt"))
    )
    Command(command(run, out), folder).stop(signal.SIGKILL, (out / "trainings.json").exists)
    Command(command(run, out), folder).finish()
    assert _content(out) == _content(whole)
    assert len(list(checkpoints.iterdir())) == 3


def _content(out: Path) -> dict[str, object]:
    return json.loads((out / "refined.json").read_text())


@pytest.mark.parametrize("executor", ["process", "ray"])
def test_workers_train_as_this_process_does(executor, found, few):
    if executor == "ray":
        pytest.importorskip("ray")
    recipe = recipe_for(SPACE, "digits", epochs=1, batch_size=512)
    size = {"channels": 1, "cells": 1, "halving": False}
    arch = found.best.arch
    here = ShortTrainer(SPACE, few, recipe, **size)
    there = ShortTrainer(SPACE, few, recipe, executor=executor, workers=1, **size)
    outcomes = []
    for trainer in (here, there):
        outcomes.append(dict(trainer.run([arch], (), lambda share: None)))
        trainer.close()
    assert outcomes[0][0].epochs == pytest.approx(outcomes[1][0].epochs, abs=1.0)


# The command


def call(monkeypatch, capsys, *words: object) -> str:
    """What a command prints."""
    monkeypatch.setattr(sys, "argv", ["tegnas", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_the_command_looks_up_and_the_report_and_export_know_it(run, tmp_path, monkeypatch, capsys):
    run = Path(shutil.copytree(run, tmp_path / "run"))
    csv = tmp_path / "table.csv"
    lines = [f"{arch},{accuracy(arch)},{accuracy(arch) + 1}" for arch in SPACE]
    csv.write_text("arch,seed_accuracy,mean_accuracy\n" + "\n".join(lines) + "\n")
    words = ["refine", run, "--trainings", "6", "--table", f"{csv}#seed_accuracy"]
    words += ["--truth", f"{csv}#mean_accuracy", "--neighbours", "2", "--json"]
    told = json.loads(call(monkeypatch, capsys, *words))
    best = told["best"]
    assert best["truth"] == best["observed"] + 1 == accuracy(best["arch"]) + 1
    assert told["trainings"] == 6 == len(told["trained"])
    exported = call(monkeypatch, capsys, "export", told["out"], "--format", "genotype")
    assert exported.strip() == best["arch"]
    shown = call(monkeypatch, capsys, "show", told["out"])
    assert "refinement on nas-bench-201" in shown and "finished, 6 trainings" in shown
    assert f"candidates: {SPACE.short(SPACE.parse(best['arch']))}, observed" in shown
    (listed,) = json.loads(call(monkeypatch, capsys, "runs", told["out"], "--json"))["runs"]
    assert (listed["what"], listed["state"], listed["done"]) == ("refinement", "finished", 6)
    page = tmp_path / "report.html"
    call(monkeypatch, capsys, "report", run, "-o", page)
    assert f'"told":["Best: {SPACE.short(SPACE.parse(best["arch"]))}."' in page.read_text()
