"""Random changes of training images, drawn from a given generator."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from tegnas.train.recipe import Recipe


def augment(images: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Flip, crop and cutout as the recipe says.

    Args:
        images: normalised (n, C, H, W); zero is the mean colour, with which gaps are filled.
        generator: on the CPU, wherever the images are, so that every device trains on the same.
    """
    if recipe.flip:
        mirrored = torch.rand(len(images), generator=generator) < 0.5
        mirrored = mirrored.to(images.device).view(-1, 1, 1, 1)
        images = torch.where(mirrored, images.flip(3), images)
    if recipe.crop_padding:
        images = _crop(images, recipe.crop_padding, generator)
    if recipe.cutout:
        images = _cutout(images, recipe.cutout, generator)
    return images


def _crop(images: Tensor, padding: int, generator: torch.Generator) -> Tensor:
    count, _, height, width = images.shape
    corners = torch.randint(0, 2 * padding + 1, (2, count), generator=generator)
    top, left = corners.to(images.device)
    rows = (top[:, None] + torch.arange(height, device=images.device))[:, :, None]
    columns = (left[:, None] + torch.arange(width, device=images.device))[:, None, :]
    padded = pad(images, (padding,) * 4).permute(0, 2, 3, 1)
    every = torch.arange(count, device=images.device)[:, None, None]
    return padded[every, rows, columns].permute(0, 3, 1, 2).contiguous()


def _cutout(images: Tensor, side: int, generator: torch.Generator) -> Tensor:
    """Blank a square around a random pixel; it may reach over the border (arXiv 1708.04552)."""
    count, _, height, width = images.shape
    row = torch.randint(0, height, (count, 1), generator=generator)
    column = torch.randint(0, width, (count, 1), generator=generator)
    rows = _span(row, side, height)
    columns = _span(column, side, width)
    blank = (rows[:, :, None] & columns[:, None, :])[:, None].to(images.device)
    return images.masked_fill(blank, 0.0)


def _span(centre: Tensor, side: int, length: int) -> Tensor:
    position = torch.arange(length)
    first = centre - side // 2
    return (position >= first) & (position < first + side)
