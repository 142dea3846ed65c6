"""Exported architectures: the same function without tegnas."""

from __future__ import annotations

import random
import subprocess
import sys
import types
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from tegnas.errors import InputError
from tegnas.export import export_onnx, from_json, genotype_text, pytorch_source, to_json
from tegnas.networks.full import full_network
from tegnas.spaces import ChoiceSpace, DartsArchitecture, get_space

SPACE = get_space("nas-bench-201")
ARCHITECTURES = [
    # Every operation; a node of zeros that is read; a node that nothing reads; no path at all.
    "|nor_conv_3x3~0|+|avg_pool_3x3~0|nor_conv_1x1~1|+|skip_connect~0|none~1|nor_conv_3x3~2|",
    "|none~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|avg_pool_3x3~1|nor_conv_1x1~2|",
    "|nor_conv_1x1~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|none~1|none~2|",
    "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
]


def written_network(source: str, **size: int) -> torch.nn.Module:
    module = types.ModuleType("written")
    exec(compile(source, "written.py", "exec"), module.__dict__)
    return module.Network(**size)


def shaken(network: torch.nn.Module) -> torch.nn.Module:
    """Weights and statistics as after some training, biases and all."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in network.state_dict().values():
            if value.is_floating_point():
                value.copy_(torch.rand(value.shape, generator=generator) + 0.1)
    return network


@pytest.mark.parametrize("text", ARCHITECTURES)
@pytest.mark.parametrize("cells", [1, 2])
@pytest.mark.parametrize("training", [False, True])
def test_written_network_computes_the_same(text: str, cells: int, training: bool) -> None:
    arch = SPACE.parse(text)
    size = {"channels": 4, "cells": cells, "num_classes": 7}
    network = shaken(full_network(SPACE, arch, **size))
    written = written_network(pytorch_source(SPACE, arch, **size))
    assert list(written.state_dict()) == list(network.state_dict())
    written.load_state_dict(network.state_dict())
    images = torch.randn(3, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    written.train(training)
    network.train(training)
    torch.testing.assert_close(written(images), network(images))


DARTS = get_space("darts")
TWICE = "normal " + "sep_conv_3x3~0 max_pool_3x3~0 " * 4 + "reduce " + "skip_connect~1 " * 8


FEWER = replace(DARTS.sample(random.Random(9)), normal_concat=(4, 5), reduce_concat=(2, 3, 5))


@pytest.mark.parametrize(
    "arch", [DARTS.parse(TWICE), FEWER, *(DARTS.sample(random.Random(seed)) for seed in range(4))]
)
def test_written_darts_network_computes_the_same(arch: DartsArchitecture) -> None:
    size = {"channels": 4, "cells": 6, "num_classes": 7}
    network = shaken(full_network(DARTS, arch, **size))
    source = pytorch_source(DARTS, arch, **size)
    assert max(map(len, source.splitlines())) <= 100
    written = written_network(source)
    assert sorted(written.state_dict()) == sorted(network.state_dict())
    written.load_state_dict(network.state_dict())
    images = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    for training in (True, False):
        torch.testing.assert_close(written.train(training)(images), network.train(training)(images))
    plain = full_network(DARTS, arch, **size, auxiliary=False).train()
    assert plain(images).shape == (2, 7)


def test_default_size_is_the_benchmarks() -> None:
    arch = SPACE.parse(ARCHITECTURES[0])
    written = written_network(pytorch_source(SPACE, arch))
    shapes = {name: value.shape for name, value in written.state_dict().items()}
    expected = SPACE.network(arch, "full").state_dict()
    assert shapes == {name: value.shape for name, value in expected.items()}


def test_written_file_needs_only_torch(tmp_path) -> None:
    path = tmp_path / "network.py"
    path.write_text(pytorch_source(SPACE, SPACE.parse(ARCHITECTURES[0]), channels=2, cells=1))
    code = (
        "import sys, torch, network; sys.modules['tegnas'] = None; "
        "print(tuple(network.Network()(torch.zeros(2, 3, 8, 8)).shape))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "(2, 10)"


def test_written_source_is_clean(tmp_path) -> None:
    for index, text in enumerate(ARCHITECTURES):
        source = pytorch_source(SPACE, SPACE.parse(text), cells=1 + index % 2)
        assert max(map(len, source.splitlines())) <= 100
        assert "\n\n\n\n" not in source and source.endswith(")\n")
        assert ("import torch\n" in source) == ("torch.zeros_like" in source)


@pytest.mark.parametrize(
    ("name", "size"),
    [("mobilenet", {}), ("mobilenet", {"channels": 4, "cells": 1}), ("nats-size", {"channels": 3})],
)
def test_written_networks_of_stages_compute_the_same(name: str, size: dict[str, int]) -> None:
    space = get_space(name)
    arch = space.sample(random.Random(2))
    network = shaken(full_network(space, arch, **size))
    source = pytorch_source(space, arch, **size)
    assert (
        "tegnas" not in source.partition('"""\n\n')[2] and max(map(len, source.splitlines())) < 101
    )
    written = written_network(source)
    written.load_state_dict(network.state_dict())
    images = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(written(images), network(images))


OWN = """
\"\"\"A space.\"\"\"
from __future__ import annotations
from torch import nn
from tegnas.spaces import ChoiceSpace

def build(choices, num_classes):
    return nn.Sequential(nn.Conv2d(3, choices["width"], 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
                         nn.Flatten(), nn.Linear(choices["width"], num_classes))

SPACE = ChoiceSpace("own", {"width": (2, 4)}, build)

def make():
    return ChoiceSpace("made", {"width": (2, 4)}, build)
"""


@pytest.mark.parametrize("name", ["SPACE", "make"])
def test_own_spaces_are_written_with_their_own_code(name: str, tmp_path) -> None:
    (tmp_path / "own.py").write_text(OWN.lstrip())
    space = get_space(f"{tmp_path / 'own.py'}:{name}")
    arch = space.parse("width=4")
    network = shaken(full_network(space, arch, num_classes=7))
    source = pytorch_source(space, arch, num_classes=7)
    (tmp_path / "own.py").unlink()  # what was written stands for itself
    written = written_network(source)
    written.load_state_dict(network.state_dict())
    images = torch.randn(2, 3, 8, 8)
    assert torch.equal(written(images), network(images))


def test_own_spaces_that_are_from_no_file_say_how_to_be_exported() -> None:
    space = ChoiceSpace("here", {"width": (2, 4)}, lambda taken, classes: torch.nn.Linear(1, 1))
    with pytest.raises(InputError, match="name it by FILE.py:NAME"):
        pytorch_source(space, space.parse("width=2"))


def test_json_round_trip() -> None:
    arch = SPACE.parse(ARCHITECTURES[0])
    space, read = from_json(to_json(SPACE, arch))
    assert (space.name, read) == (SPACE.name, arch)
    with pytest.raises(InputError, match="space"):
        from_json("{}")


def test_genotype_text_is_read_back() -> None:
    arch = SPACE.parse(ARCHITECTURES[0])
    assert SPACE.parse(genotype_text(SPACE, arch)) == arch


@pytest.mark.parametrize("name", ["channels", "cells", "num_classes"])
def test_sizes_below_one_are_refused(name: str) -> None:
    arch = SPACE.parse(ARCHITECTURES[0])
    with pytest.raises(InputError, match=name):
        pytorch_source(SPACE, arch, **{name: 0})
    with pytest.raises(InputError, match=name):
        full_network(SPACE, arch, **{name: 0})


def test_onnx_computes_the_same(tmp_path) -> None:
    pytest.importorskip("onnxscript", reason="ONNX export needs the extra onnx")
    runtime = pytest.importorskip("onnxruntime", reason="the check needs onnxruntime")
    network = shaken(full_network(SPACE, SPACE.parse(ARCHITECTURES[0]), channels=2, cells=1))
    path = tmp_path / "network.onnx"
    export_onnx(network, path, image_shape=(3, 8, 8))
    assert network.training
    session = runtime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for count in (1, 5):
        images = torch.randn(count, 3, 8, 8, generator=torch.Generator().manual_seed(count))
        (logits,) = session.run(["logits"], {"images": images.numpy()})
        with torch.no_grad():
            expected = network.eval()(images)
        torch.testing.assert_close(torch.from_numpy(logits), expected, rtol=1e-4, atol=1e-4)


def test_what_can_not_be_an_onnx_model_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("onnxscript", reason="ONNX export needs the extra onnx")

    class Branching(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x if x.sum() > 0 else -x

    with pytest.raises(InputError, match="Linear can't take examples of 3×8×8 .*--image-size"):
        export_onnx(nn.Linear(5, 2), tmp_path / "a.onnx", image_shape=(3, 8, 8))
    with pytest.raises(InputError, match="PyTorch can't write Branching as ONNX"):
        export_onnx(Branching(), tmp_path / "a.onnx", image_shape=(3,))

    class OfTwo(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.cat([torch.zeros(1, 1).expand(len(x), -1), x], 1)

    with pytest.raises(InputError, match="OfTwo .* batches of two alone; .* x.shape"):
        export_onnx(OfTwo(), tmp_path / "a.onnx", image_shape=(3,))
    assert not list(tmp_path.iterdir())
    embedding = nn.Sequential(nn.Embedding(9, 4), nn.Flatten(), nn.Linear(12, 2))
    export_onnx(embedding, tmp_path / "a.onnx", image_shape=(3,), dtype=torch.int64)
    assert (tmp_path / "a.onnx").is_file()
