"""Kernels of real models against an independent computation in float64.

For every family of models that timm and torchvision have, one small member with random weights:
its kernel and cross kernel, by both meanings of BatchNorm, against gradients of a float64 copy
whose BatchNorm is written out, one backward pass per image. Run from the repository's root, for
all models or those whose name holds one of the words:

    python tools/compare_models.py [WORD ...]

Prints one row per model and exits with 1 if a kernel is off. Takes about ten seconds per model;
families of packages that aren't installed are named and left out.
"""

from __future__ import annotations

import argparse
import copy
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from tegnas import KernelDetails, ntk
from tegnas.parameters import is_bias

# BatchNorm over two values gives one of two, whatever they are, with derivatives beyond all bounds.
CLASSES, IMAGES, OTHERS = 5, 4, 3
TOLERANCE = 1e-7  # in float64, relative to the largest entry


@dataclass(frozen=True)
class Model:
    """One member of a family: where it is from, its name there, and the side of its images."""

    library: str
    name: str
    side: int = 64

    def make(self) -> nn.Module:
        if self.library == "timm":
            import timm

            sized = {"img_size": self.side} if self.name.startswith(_SIZED) else {}
            return timm.create_model(self.name, num_classes=CLASSES, **sized)
        import torchvision

        return torchvision.models.get_model(self.name, num_classes=CLASSES, weights=None)


# Families whose members are made for images of one size.
_SIZED = (
    "beit", "cait", "coat_", "convit", "crossvit", "deit", "efficientformerv2", "eva02", "gcvit",
    "gmlp", "hiera", "levit", "maxvit", "mixer", "mvit", "nest", "pit", "resmlp", "sequencer",
    "swin", "tnt", "twins", "vit", "volo", "xcit",
)  # fmt: skip

MODELS = [
    *(
        Model("timm", name)
        for name in (
            "resnet18", "resnext26ts", "seresnext26ts", "skresnet18", "res2net50_14w_8s",
            "resnetv2_18", "nf_resnet26", "regnetx_002", "regnety_002", "densenet121", "vgg11_bn",
            "dla34", "dpn48b", "hrnet_w18_small", "selecsls42", "ese_vovnet19b_slim",
            "cs3darknet_s", "hgnetv2_b0", "mobilenetv2_050", "mobilenetv3_small_050",
            "mobilenetv4_conv_small", "efficientnet_b0", "mnasnet_small", "ghostnet_050",
            "lcnet_035", "tinynet_e", "repvgg_a0", "mobileone_s0", "repvit_m0_9", "fastvit_t8",
            "starnet_s1", "rdnet_tiny", "convnext_atto", "convnextv2_atto", "inception_next_atto",
            "edgenext_xx_small", "mambaout_femto", "poolformer_s12", "caformer_s18",
            "convmixer_768_32", "focalnet_tiny_srf", "mixer_s32_224", "resmlp_12_224",
            "gmlp_s16_224", "pvt_v2_b0", "efficientformerv2_s0",
            "efficientvit_b0", "efficientvit_m0", "mobilevit_xxs", "mobilevitv2_050",
            "levit_128s", "visformer_tiny", "davit_tiny", "lambda_resnet26t",
            "coatnet_pico_rw_224", "swiftformer_xs", "shvit_s1", "nextvit_small",
        )
    ),
    Model("timm", "inception_v3", 96),
    Model("timm", "xception41", 96),
    Model("timm", "vit_tiny_patch16_224", 32),
    Model("timm", "deit_tiny_distilled_patch16_224", 32),
    Model("timm", "deit3_small_patch16_224", 32),
    Model("timm", "vit_tiny_r_s16_p8_224", 64),
    Model("timm", "eva02_tiny_patch14_224", 28),
    Model("timm", "cait_xxs24_224", 32),
    Model("timm", "convit_tiny", 32),
    Model("timm", "xcit_nano_12_p8_224", 32),
    Model("timm", "coat_tiny", 64),
    Model("timm", "crossvit_tiny_240", 240),
    Model("timm", "efficientformer_l1", 224),
    Model("timm", "tnt_s_legacy_patch16_224", 32),
    Model("timm", "twins_svt_small", 64),
    Model("timm", "tiny_vit_5m_224", 224),
    Model("timm", "pit_ti_224", 64),
    Model("timm", "volo_d1_224", 32),
    Model("timm", "sequencer2d_s", 32),
    Model("timm", "swin_tiny_patch4_window7_224", 224),
    Model("timm", "swinv2_cr_tiny_ns_224", 224),
    Model("timm", "gcvit_xxtiny", 224),
    Model("timm", "nest_tiny", 224),
    Model("timm", "hiera_tiny_224", 224),
    Model("timm", "maxvit_rmlp_pico_rw_256", 256),
    Model("torchvision", "alexnet"),
    Model("torchvision", "squeezenet1_1"),
    Model("torchvision", "shufflenet_v2_x0_5"),
    Model("torchvision", "googlenet"),
    Model("torchvision", "mnasnet0_5"),
    Model("torchvision", "resnet18"),
    Model("torchvision", "swin_t"),
    Model("torchvision", "vit_b_32", 224),
]  # fmt: skip


class WrittenOut(TorchFunctionMode):
    """BatchNorm as a formula, its statistics those of the batch and constant where ``frozen``."""

    def __init__(self, *, frozen: bool) -> None:
        super().__init__()
        self._frozen = frozen

    def __torch_function__(
        self, func: Callable, types: Sequence[type], args: tuple = (), kwargs: dict | None = None
    ) -> object:
        if func is not F.batch_norm:
            return func(*args, **(kwargs or {}))
        return self._normalise(*args, **(kwargs or {}))

    def _normalise(
        self,
        input: Tensor,
        running_mean: Tensor | None,
        running_var: Tensor | None,
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        training: bool = False,
        momentum: float = 0.1,
        eps: float = 1e-5,
    ) -> Tensor:
        columns = input.transpose(0, 1).flatten(1)
        centre = columns.mean(1)
        spread = ((columns - centre[:, None]) ** 2).mean(1)
        if self._frozen:
            centre, spread = centre.detach(), spread.detach()
        scale = 1 / (spread + eps).sqrt()
        scale = scale if weight is None else scale * weight
        shift = -centre * scale if bias is None else bias - centre * scale
        shape = [-1, *[1] * (input.dim() - 2)]
        return input * scale.view(shape) + shift.view(shape)


def independent_rows(network: nn.Module, images: Tensor, batch_norm: str) -> Tensor:
    """∂s_i/∂θ by one backward pass per image of a float64 copy, (N, P)."""
    rows = []
    for image in range(len(images)):
        # A copy for each: some models keep a part of the graph from one call to the next.
        fresh = copy.deepcopy(network).double().eval()
        parameters = [
            parameter.requires_grad_(True)
            for name, parameter in fresh.named_parameters()
            if not is_bias(name) and parameter.is_floating_point()
        ]
        with WrittenOut(frozen=batch_norm == "frozen"):
            fresh(images.double().clone())[image].sum().backward()
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        rows.append(torch.cat([gradient.flatten() for gradient in gradients]))
    return torch.stack(rows)


def random_weights(network: nn.Module, seed: int = 0) -> nn.Module:
    """Every parameter drawn anew, so that none is at zero, as many are initialised."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            drawn = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() < 2:
                parameter.copy_(drawn * 0.2 + (0.0 if is_bias(name) else 1.0))
            else:
                parameter.copy_(drawn * (parameter[0].numel() or 1) ** -0.5)
    return network


def relative_error(found: Tensor, expected: Tensor) -> float:
    """The largest deviation, relative to the largest entry."""
    return ((found - expected).abs().max() / expected.abs().max()).item()


def compare(network: nn.Module, images: Tensor, other: Tensor) -> tuple[list[float], float, float]:
    """Errors of the frozen kernel, its cross kernel, the coupled ones, and of float32.

    Also the part of the parameters' numbers that the native Gram took.
    """
    double = copy.deepcopy(network).double()
    errors = []
    for batch_norm in ("frozen", "coupled"):
        left = independent_rows(network, images, batch_norm)
        for second in (None, other):
            right = left if second is None else independent_rows(network, second, batch_norm)
            expected = left @ right.T
            twice = None if second is None else second.double()
            found = ntk(double, images.double(), twice, batch_norm=batch_norm, details=True)
            assert isinstance(found, KernelDetails)
            errors.append(relative_error(found.kernel, expected))
            if batch_norm == "frozen" and second is None:
                single = ntk(network, images)
                assert isinstance(single, Tensor)
                in_single = relative_error(single, expected)
                sizes = {name: p.numel() for name, p in network.named_parameters()}
                native = sum(sizes[name] for name in found.native)
                share = native / (native + sum(sizes[name] for name in found.autograd))
    return errors, in_single, share


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("words", nargs="*", help="only models whose name holds one of these")
    words = parser.parse_args().words
    warnings.simplefilter("ignore")
    print("| model | side | frozen | cross | coupled | cross | float32 | native | seconds |")
    print("|---|---|---|---|---|---|---|---|---|")
    wrong, missing = 0, set()
    for model in MODELS:
        if words and not any(word in f"{model.library}: {model.name}" for word in words):
            continue
        start = time.perf_counter()
        generator = torch.Generator().manual_seed(0)
        images = torch.randn(IMAGES, 3, model.side, model.side, generator=generator)
        other = torch.randn(OTHERS, 3, model.side, model.side, generator=generator)
        try:
            torch.manual_seed(0)
            errors, single, share = compare(random_weights(model.make()), images, other)
        except ImportError:
            missing.add(model.library)
            continue
        except Exception:
            wrong += 1
            reason = traceback.format_exc(limit=0).strip().splitlines()[-1]
            print(f"| {model.library}: {model.name} | {model.side} | failed: {reason} |")
            continue
        wrong += any(not error < TOLERANCE for error in errors)
        row = (*(f"{error:.1e}" for error in (*errors, single)), f"{share:.0%}")
        seconds = time.perf_counter() - start
        name = f"{model.library}: {model.name}"
        print(f"| {name} | {model.side} | {' | '.join(row)} | {seconds:.0f} |", flush=True)
    for library in sorted(missing):
        print(f"{library} isn't installed: its models are left out", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
