"""The native engine: many networks, written as programs, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from tegnas.ops._equal_images import first_equals, with_equal_rows
from tegnas.ops._library import call


@dataclass(frozen=True, eq=False)
class Programs(Sequence[list[int]]):
    """Programs one after the other in one tensor; as a sequence, the words of each.

    Attributes:
        code: their words, in the encoding of ``csrc/kernels/program/program.h``, int64.
        offsets: where each begins, and where the last ends, int64.
    """

    code: Tensor
    offsets: Tensor

    @classmethod
    def of(cls, codes: Sequence[Sequence[int]]) -> Programs:
        """Of programs given as words."""
        if isinstance(codes, Programs):
            return codes
        code = torch.tensor([word for each in codes for word in each], dtype=torch.int64)
        lengths = torch.tensor([0, *map(len, codes)], dtype=torch.int64)
        return cls(code, lengths.cumsum(0))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index):
        if isinstance(index, slice):
            return [self[each] for each in range(len(self))[index]]
        index = range(len(self))[index]
        return self.code[int(self.offsets[index]) : int(self.offsets[index + 1])].tolist()


@dataclass(frozen=True, eq=False)
class EngineJobs:
    """Networks to run: programs, parameters, and which job takes which of them.

    Attributes:
        codes: the programs; may be given as the words of each.
        programs: index of the program of every job, int64 (J,).
        params: float32 or float64 vector that all jobs read from.
        offsets: where the parameters of every job begin, int64 (J,).
    """

    codes: Sequence[Sequence[int]]
    programs: Tensor
    params: Tensor
    offsets: Tensor

    def __post_init__(self) -> None:
        object.__setattr__(self, "codes", Programs.of(self.codes))

    def operands(self, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """What the operators take first; the parameters go where the images are."""
        codes = Programs.of(self.codes)
        return codes.code, codes.offsets, self.programs, self.params.to(device), self.offsets


def engine_ntk(
    jobs: EngineJobs,
    x: Tensor,
    y: Tensor | None = None,
    *,
    batch_norm: str = "frozen",
    outputs: str = "sum",
    weights: str = "all",
    distances: bool = False,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Neural tangent kernels of every job on the same images (Jacot et al. 2018; TEG-NAS 3.1).

    And, from the same forward pass, in how many counted ReLUs any two of the images differ (Mellor
    et al. 2021, eq. 2): what ``engine_pattern_distances`` gives of them as one batch, to the bit.

    Args:
        jobs: J networks that give logits.
        x: images (N, C, H, W) of the parameters' dtype.
        y: a second batch (M, C, H, W), for the cross kernel.
        batch_norm: ``"frozen"`` or ``"coupled"`` statistics in the derivative.
        outputs: ``"sum"``, the kernel of the summed logits, or ``"trace"``, summed over logits.
        weights: ``"all"``, or ``"searched"`` where the kernel of all weights isn't wanted.
        distances: whether those of the patterns of x are wanted; kernels are the same either way.

    Returns:
        The rows of equal images are the same numbers.
        float64 (J, N, N) of all weights ((0, N, N) where they aren't wanted), (J, N, N) of the
        searched weights, and (J, M, N) of the searched weights between y and x (M = 0 without y);
        int64 (J, N, N), the distances ((0, N, N) where they aren't wanted).

    Raises:
        ValueError: a malformed program, images that it isn't for, or an unknown mode.
        TypeError: a dtype other than float32 or float64.
    """
    y = x[:0] if y is None else y
    options = (batch_norm, outputs, weights, distances)
    results = call("engine_ntk", *jobs.operands(x.device), x, y, *options)
    if batch_norm != "coupled":  # frozen rows of equal images are equal as they are
        return results
    k_all, k_searched, k_cross, differing = results
    left, right = first_equals(x), first_equals(y)
    return (
        with_equal_rows(k_all, left, left),
        with_equal_rows(k_searched, left, left),
        with_equal_rows(k_cross, right, left),
        differing,
    )


def engine_regions(jobs: EngineJobs, inputs: Tensor, *, batch_size: int) -> Tensor:
    """Distinct activation patterns of every job over its inputs; exact (TEG-NAS 3.2).

    Args:
        jobs: J networks whose counted ReLUs make the pattern.
        inputs: (M, C, H, W) of the parameters' dtype, the same for every job; or S sets of them,
            (S, M, C, H, W), of which job j has the one of number j mod S.
        batch_size: inputs that share the statistics of BatchNorm.

    Returns:
        int64 (J,).

    Raises:
        ValueError: a malformed program, or inputs that it isn't for.
        TypeError: a dtype other than float32 or float64.
    """
    return call("engine_regions", *jobs.operands(inputs.device), inputs, batch_size)


def engine_pattern_distances(jobs: EngineJobs, inputs: Tensor, *, batch_size: int) -> Tensor:
    """In how many counted ReLUs any two inputs of a job differ; exact (Mellor et al. 2021, eq. 2).

    A value that several ReLUs read counts once.

    Args:
        jobs, inputs, batch_size: as of ``engine_regions``.

    Returns:
        int64 (J, M, M), symmetric; zeros where a network has no counted ReLU.

    Raises:
        ValueError: a malformed program, or inputs that it isn't for.
        TypeError: a dtype other than float32 or float64.
    """
    return call("engine_pattern_distances", *jobs.operands(inputs.device), inputs, batch_size)


@torch.library.register_fake("tegnas::engine_ntk")
def _(
    code,
    code_offsets,
    job_programs,
    params,
    job_params,
    x,
    y,
    batch_norm,
    outputs,
    weights,
    distances,
):
    jobs, n, m = job_programs.shape[0], x.shape[0], y.shape[0]
    return (
        x.new_empty((jobs if weights == "all" else 0, n, n), dtype=torch.float64),
        x.new_empty((jobs, n, n), dtype=torch.float64),
        x.new_empty((jobs, m, n), dtype=torch.float64),
        x.new_empty((jobs if distances else 0, n, n), dtype=torch.int64),
    )


@torch.library.register_fake("tegnas::engine_regions")
def _(code, code_offsets, job_programs, params, job_params, inputs, batch_size):
    return inputs.new_empty((job_programs.shape[0],), dtype=torch.int64)


@torch.library.register_fake("tegnas::engine_pattern_distances")
def _(code, code_offsets, job_programs, params, job_params, inputs, batch_size):
    images = inputs.shape[-4]
    return inputs.new_empty((job_programs.shape[0], images, images), dtype=torch.int64)
