"""``tegnas export``."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer

from tegnas.cli import options
from tegnas.cli.architecture import example_of, read_architecture, trained_network
from tegnas.errors import InputError
from tegnas.export import (
    export_onnx,
    genotype_text,
    index_text,
    naslib_text,
    pytorch_source,
    to_json,
)
from tegnas.files import write_atomically
from tegnas.networks.full import full_network
from tegnas.train import load_weights


class Format(str, Enum):
    """What can be written."""

    pytorch = "pytorch"
    genotype = "genotype"
    naslib = "naslib"
    number = "index"
    json = "json"
    onnx = "onnx"


def export(
    architecture: Annotated[
        str,
        typer.Argument(
            metavar="ARCHITECTURE|RUN|FILE.json",
            help="Architecture (short or whole), run directory (its best, or what it trained) "
            "or exported JSON.",
        ),
    ],
    format: Annotated[
        Format, typer.Option("--format", "-f", help="What to write.")
    ] = Format.pytorch,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write; text goes to stdout without.")
    ] = None,
    space: options.ArchitectureSpace = None,
    indicator: options.RunIndicator = None,
    channels: options.Channels = None,
    cells: options.Cells = None,
    classes: Annotated[
        int | None,
        typer.Option(help="Classes of the classifier; default 10, of a training its own."),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(help="Weights that tegnas train saved (ONNX); of a training its own."),
    ] = None,
    image_size: Annotated[
        int | None,
        typer.Option(help="Height and width of images (ONNX); default 32, of a training its own."),
    ] = None,
) -> None:
    """Write an architecture as PyTorch source, text, JSON or ONNX.

    `genotype` is the benchmark's text, `naslib` NASLib's numbers, `index` its number in NATS-Bench.
    The PyTorch file needs nothing but PyTorch and takes the weights of `tegnas train`. Of a space
    from a file of your own it is that file, with a function Network() behind it. Of the directory
    of a training it is the network that was trained, in ONNX with its weights.
    """
    search_space, arch = read_architecture(architecture, space, options.read_indicators(indicator))
    given = {"channels": channels, "cells": cells, "num_classes": classes}
    trained = trained_network(architecture)
    size: dict[str, Any] = {"num_classes": 10, **(trained.size if trained else {})}
    size |= {name: value for name, value in given.items() if value is not None}
    if format is Format.onnx:
        if out is None:
            raise InputError("an ONNX model goes to a file; name it with --out FILE.onnx")
        image_shape, dtype = example_of(architecture, search_space)
        if trained is not None:
            size["auxiliary"], image_shape = trained.auxiliary, trained.image_shape
            weights = weights or trained.weights
        if image_size is not None:
            image_shape = (image_shape[0], image_size, image_size)
        network = full_network(search_space, arch, **size)
        if weights is not None:
            load_weights(network, weights)
        export_onnx(network, out, image_shape=image_shape, dtype=dtype)
        print(out)
        return
    if weights is not None:
        raise InputError(
            "--weights belongs to --format onnx; a PyTorch file loads them by load_state_dict"
        )
    writers = {
        Format.genotype: genotype_text,
        Format.naslib: naslib_text,
        Format.number: index_text,
        Format.json: to_json,
    }
    text = (
        pytorch_source(search_space, arch, **size)
        if format is Format.pytorch
        else writers[format](search_space, arch) + "\n"
    )
    if out is None:
        print(text, end="")
    else:
        write_atomically(out, text)
        print(out)
