"""Examples that aren't images: rows of tables, ids of tokens, waveforms, volumes, one channel."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import tegnas
from tegnas.cli import main
from tegnas.data.dataset import load_dataset
from tegnas.kernel.messages import SingularKernelWarning
from tegnas.regions import InputsLikeData, NormalInputs, RegionsWarning, inputs_of
from tegnas.scoring.module_kernels import jacobians
from tegnas.scoring.prepare import prepared
from tegnas.spaces import ChoiceSpace

EXAMPLES = Path(__file__).parents[1] / "examples"
SMALL = {"repeats": 2, "region_samples": 100, "train": 24, "val": 8}
RNG = np.random.default_rng(0)
LABELS = np.arange(60) % 3
ROWS = RNG.normal(5.0, 3.0, (60, 6))
TOKENS = RNG.integers(0, 9, (60, 7))


def example(name: str):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


TABULAR, TEXT, WAVES, VIT = (
    example(name)
    for name in ("tabular_mlp_space", "text_cnn_space", "waveform_cnn_space", "tiny_vit_space")
)
FAMILIES = {
    "wine": (TABULAR.SPACE, "wine"),
    "breast-cancer": (TABULAR.space(30), "breast-cancer"),
    "tokens": (TEXT.SPACE, TEXT.example_tokens()),
    "waves": (WAVES.SPACE, WAVES.example_waves()),
    "grey images": (VIT.SPACE, tegnas.load_batch("digits", train=24, val=8, size=16)),
}


def saved(folder: Path, x: np.ndarray, y: np.ndarray = LABELS) -> str:
    np.savez(folder / "data.npz", x=x, y=y)
    return str(folder / "data.npz")


def mlp(*widths: int, activation: type[nn.Module] = nn.ReLU) -> nn.Module:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    for read, write in zip(widths[:-1], widths[1:], strict=True):
        layers += [nn.Linear(read, write), activation()]
    return nn.Sequential(*layers[:-1])


class TestBatches:
    @pytest.mark.parametrize(
        ("x", "dtype"),
        [
            (ROWS, torch.float32),
            (torch.tensor(ROWS).bfloat16(), torch.float32),
            (TOKENS.astype(np.uint16), torch.int64),
            (RNG.normal(size=(60, 2, 5)), torch.float32),
            (RNG.normal(size=(60, 1, 3, 4, 5)), torch.float32),
        ],
    )
    def test_of_arrays_of_any_shape(self, x, dtype):
        batch = tegnas.batch_of(x, LABELS, train=20, val=10, seed=3)
        assert batch.images.dtype == dtype and batch.images.shape == (20, *x.shape[1:])
        assert batch.num_classes == 3 and not batch.of_images
        again = tegnas.batch_of(x, LABELS, train=20, val=10, seed=3)
        assert batch.fingerprint() == again.fingerprint()

    def test_columns_and_channels_are_standardised_where_that_is_asked_for(self):
        batch = tegnas.batch_of(
            ROWS * [1, 10, 100, 1e3, 1e4, 0], LABELS, train=30, val=30, standardise=True
        )
        every = torch.cat([batch.images, batch.val_images])
        assert every.mean(0).abs().max() < 1e-5
        torch.testing.assert_close(every.std(0, correction=0)[:5], torch.ones(5))
        assert (every[:, 5] == 0).all()

    def test_a_file_holds_rows_and_ids_and_more_by_its_name(self, tmp_path):
        assert tegnas.load_batch(saved(tmp_path, ROWS), train=9, val=9).images.shape == (9, 6)
        tokens = tegnas.load_batch(saved(tmp_path, TOKENS), train=9, val=9)
        assert tokens.images.dtype == torch.int64 and tokens.images.max() < 9
        waves = RNG.normal(size=(60, 2, 5))
        grey = tegnas.load_batch(saved(tmp_path, waves), train=9, val=9)
        assert grey.image_shape == (1, 2, 5)
        plain = tegnas.load_batch(f"arrays:{saved(tmp_path, waves)}", train=9, val=9)
        assert plain.image_shape == (2, 5)

    @pytest.mark.parametrize(
        ("x", "y", "message"),
        [
            (np.array(["a", "b"]), [0, 1], "dtype <U1"),
            (np.zeros((0, 3)), [], "nothing in them"),
            ([[1.0], [2.0, 3.0]], [0, 1], "can't be read as an array"),
            (np.array([[np.nan], [1.0]]), [0, 1], "NaN or infinite"),
            (np.array([[1e300], [1.0]]), [0, 1], "too large for float32"),
            (ROWS, LABELS / 2, "give one integer for each"),
            (ROWS, LABELS[:5], "60 examples but 5 labels"),
            (ROWS, np.array(["a", "b", "c"])[LABELS], "numpy.unique"),
            (ROWS, LABELS / 7, "numpy.digitize"),
            (ROWS, np.eye(3)[LABELS], "labels.argmax"),
            (ROWS[[0] * 60], LABELS, "fewer than 16 examples that differ"),
        ],
    )
    def test_what_can_not_be_used_is_said_in_a_sentence(self, x, y, message):
        with pytest.raises(tegnas.InputError, match=message) as caught:
            tegnas.batch_of(x, y, train=8, val=8)
        assert "\n" not in str(caught.value)

    def test_one_channel_becomes_three_for_networks_that_take_these_and_back(self, tmp_path):
        file = saved(tmp_path, RNG.integers(0, 256, (60, 8, 8), dtype=np.uint8))
        grey = tegnas.load_batch(file, train=8, val=8)
        assert grey.image_shape == (1, 8, 8)
        three = grey.with_channels(3)
        assert three.image_shape == (3, 8, 8) and bool((three.images == grey.images).all())
        assert three.with_channels(1).fingerprint() == grey.fingerprint()
        space = tegnas.get_space("nas-bench-201")
        settings = tegnas.get_preset("fast")
        assert prepared(space, grey, settings).batch.fingerprint() == three.fingerprint()
        colours = tegnas.load_batch("noise", train=8, val=8)
        assert colours.with_channels(1) is colours

    def test_training_is_for_images(self):
        with pytest.raises(tegnas.InputError, match="tegnas trains on images alone"):
            load_dataset("wine")


class TestKernels:
    def test_of_tokens_are_those_of_autograd(self):
        torch.manual_seed(0)
        arch = TEXT.SPACE.parse("embedding=4,channels=4,kernel=3,depth=2")
        network = TEXT.SPACE.network(arch, "full", num_classes=4)
        x, y = (torch.randint(0, 50, (count, 12)) for count in (6, 5))
        weights = [each for name, each in network.named_parameters() if "bias" not in name]

        def rows(tokens):
            scalars = network(tokens).sum(1)
            found = [torch.autograd.grad(each, weights, retain_graph=True) for each in scalars]
            return torch.stack([torch.cat([g.flatten() for g in each]) for each in found]).double()

        torch.testing.assert_close(
            tegnas.ntk(network, x), rows(x) @ rows(x).T, rtol=1e-5, atol=1e-6
        )
        cross = tegnas.ntk(network, y, x)
        torch.testing.assert_close(cross, rows(y) @ rows(x).T, rtol=1e-5, atol=1e-5)
        (jacobian,) = jacobians(network, x, ["classifier.weight"], batch_norm="frozen")
        assert list(jacobian.terms) == ["classifier.weight"]

    def test_other_types_are_refused(self):
        with pytest.raises(tegnas.InputError, match="whole numbers"):
            tegnas.ntk(mlp(6, 4, 3), torch.zeros(4, 6, dtype=torch.bool))


class TestRegionInputs:
    def test_are_drawn_like_the_columns_and_channels(self):
        rows = torch.randn(200, 3) * torch.tensor([1.0, 10.0, 0.0]) + torch.tensor([0.0, 5.0, 2.0])
        drawn = InputsLikeData(rows, (3,)).draw(4000, torch.Generator().manual_seed(0))
        torch.testing.assert_close(drawn.mean(0), rows.mean(0), rtol=0.1, atol=0.5)
        torch.testing.assert_close(drawn.std(0), rows.std(0), rtol=0.1, atol=0.1)
        waves = torch.randn(50, 2, 30) * torch.tensor([1.0, 9.0]).view(1, 2, 1)
        short = InputsLikeData(waves, (2, 4)).draw(2000, torch.Generator().manual_seed(0))
        assert short.shape == (2000, 2, 4)
        torch.testing.assert_close(short.std((0, 2)), waves.std((0, 2)), rtol=0.1, atol=0)

    def test_ids_are_drawn_from_those_of_their_place(self):
        ids = torch.stack([torch.arange(20) % 3, torch.arange(20) % 2 + 100], 1)
        drawn = InputsLikeData(ids, (2,)).draw(300, torch.Generator().manual_seed(0))
        assert drawn.dtype == torch.int64
        assert set(drawn[:, 0].tolist()) == {0, 1, 2} and set(drawn[:, 1].tolist()) == {100, 101}
        with pytest.raises(tegnas.InputError, match="no larger"):
            InputsLikeData(ids, (3,)).draw(1, torch.Generator())

    def test_a_network_says_what_it_is_counted_on(self):
        network, rows = mlp(6, 8, 3), torch.randn(20, 6)
        assert inputs_of(network, rows) is None
        network.region_input_shape = (6,)
        assert inputs_of(network, rows) == NormalInputs((6,))
        network.region_inputs = lambda count, generator: torch.ones(count, 6)
        batch = tegnas.batch_of(ROWS, LABELS, train=20, val=8)
        score = tegnas.score_module(network, batch, region_samples=50, progress=print)
        assert score["linear_regions"] == 1

    def test_a_space_draws_its_own(self):
        def on_a_line(count, generator):
            places = 4 * torch.rand(count, 1, generator=generator) - 2
            return places + torch.tensor([1.0, -1.0] * 3)

        space = ChoiceSpace(
            "line",
            {"width": (16, 24)},
            lambda choices, classes: mlp(6, choices["width"], classes),
            region_inputs=on_a_line,
        )
        scores = tegnas.score(space, (ROWS, LABELS), space=space, **SMALL)
        assert 1 < scores.regions.max() < 26

    def test_rows_of_a_module_are_drawn_like_the_batch(self):
        far = tegnas.batch_of(ROWS + 1000, LABELS, train=20, val=8)
        network = mlp(6, 16, 3)
        with torch.no_grad():
            network[0].bias.copy_(-network[0].weight @ far.images.mean(0))
        assert tegnas.score_module(network, far, region_samples=100)["linear_regions"] > 50


@pytest.mark.parametrize("family", FAMILIES)
def test_spaces_of_other_networks_are_scored_and_searched(family):
    space, batch = FAMILIES[family]
    settings = tegnas.ScoreSettings(**SMALL)
    result = tegnas.search(space, batch, "random", 3, settings=settings)
    assert all(np.isfinite(result[name]).all() for name in settings.names)
    assert result.best.settings.engine == "torch"
    if isinstance(batch, tegnas.Batch):  # the module alone is given what it takes
        batch = batch.with_channels(1)
    network = space.network(result.best.arch, "full", num_classes=10)
    with pytest.warns(RegionsWarning):  # at the ceiling on whole examples, or of signs
        score = tegnas.score_module(network, batch, **SMALL, progress=print)
    assert 1 < score.trainability < np.inf and score.generalization < np.inf


class TestWhereRegionsSayNothing:
    def test_at_their_ceiling_the_rank_of_the_kernel_takes_their_place(self):
        space = ChoiceSpace(
            "wide",
            {"width": (32, 48, 64, 80)},
            lambda choices, classes: mlp(6, choices["width"], choices["width"], classes),
        )
        batch = tegnas.batch_of(ROWS, LABELS, train=24, val=8, standardise=True)
        scores = tegnas.score(space, batch, space=space, **SMALL)
        assert scores.settings.names == (
            "variance_inflation", "kernel_rank", "leave_one_out_error", "pattern_rank"
        )  # fmt: skip
        assert "takes the place of R: linear regions are at their ceiling (100" in scores.notes[0]
        assert scores.expressivity.min() > 1 and len(set(scores.expressivity.tolist())) == 4
        alone = tegnas.score(space, batch, space=space, indicators="linear_regions", **SMALL)
        assert alone.settings.names == ("linear_regions",)
        assert "are at its ceiling" in alone.warnings[0]

    def test_undefined_they_are_left_out_and_a_search_keeps_the_sentence(self, tmp_path):
        space = ChoiceSpace(
            "smooth",
            {"width": (4, 8, 12)},
            lambda choices, classes: mlp(6, choices["width"], classes, activation=nn.Tanh),
        )
        settings = tegnas.ScoreSettings(**SMALL)
        found = [
            tegnas.search(
                space, (ROWS, LABELS), "random", 3, settings=settings, out=tmp_path / "run"
            )
            for _ in range(2)
        ]
        assert all("aren't defined for these networks" in each.warnings[0] for each in found)
        assert all("PR is left out: no activation bends in" in each.warnings[1] for each in found)
        assert found[0].best == found[1].best
        again = tegnas.SearchResult.load(tmp_path / "run" / "result.json", space)
        assert again.best.settings.names == (
            "variance_inflation", "kernel_rank", "leave_one_out_error"
        )  # fmt: skip

    def test_networks_that_cannot_take_the_examples_are_told_that(self):
        space = ChoiceSpace("five", {"width": (4, 8)}, lambda taken, k: mlp(5, taken["width"], k))
        with pytest.raises(tegnas.InputError, match="five can't take examples of 6 .*; search"):
            tegnas.score("width=4", (ROWS, LABELS), space=space, settings="best", **SMALL)

    def test_a_singular_kernel_of_a_module_is_told(self):
        with pytest.warns(SingularKernelWarning, match="these 20 examples .* VIF and LOO are inf"):
            tegnas.score_module(
                mlp(6, 2, 3), (ROWS * 1e6, LABELS), region_samples=50, train=20, val=8
            )

    def test_of_a_single_module_it_is_said(self):
        with pytest.warns(RegionsWarning, match="kernel_rank"):
            score = tegnas.score_module(
                mlp(6, 8, 3, activation=nn.Tanh), (ROWS, LABELS), region_samples=50, train=20, val=8
            )
        assert np.isnan(score.expressivity)


class TestCommand:
    @pytest.fixture
    def call(self, monkeypatch, tmp_path, capfd):
        monkeypatch.chdir(tmp_path)

        def call(*arguments: str) -> tuple[int, str]:
            monkeypatch.setattr(sys, "argv", ["tegnas", *arguments])
            status = 0
            try:
                main()
            except SystemExit as error:
                status = error.code or 0
            return status, capfd.readouterr().err

        return call

    OPTIONS = ("--strategy", "random", "--budget", "2", "--train", "24", "--val", "8",
               "--repeats", "1", "--region-samples", "50", "--out", "run")  # fmt: skip

    def search(self, call, name: str, data: str) -> tuple[int, str]:
        space = f"{EXAMPLES / name}.py:SPACE"
        return call("search", "--space", space, "--data", data, *self.OPTIONS)

    def test_searches_rows_tokens_and_waveforms(self, call, tmp_path):
        assert self.search(call, "tabular_mlp_space", "wine")[0] == 0
        (tmp_path / "run").rename(tmp_path / "rows")
        np.savez("tokens.npz", **dict(zip("xy", TEXT.example_tokens(), strict=True)))
        assert self.search(call, "text_cnn_space", "tokens.npz")[0] == 0
        (tmp_path / "run").rename(tmp_path / "tokens")
        np.savez("waves.npz", **dict(zip("xy", WAVES.example_waves(), strict=True)))
        assert self.search(call, "waveform_cnn_space", "arrays:waves.npz")[0] == 0

    def test_says_what_does_not_fit(self, call):
        np.savez("waves.npz", **dict(zip("xy", WAVES.example_waves(), strict=True)))
        status, said = self.search(call, "waveform_cnn_space", "waves.npz")
        assert status == 2 and "name the file as arrays:waves.npz" in said
        status, said = call("search", "--data", "wine", *self.OPTIONS)
        assert status == 2 and "nas-bench-201 can't take examples of 13" in said
