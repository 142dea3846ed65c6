"""Builds the extension ``tegnas._C``; everything else about the package is in pyproject.toml."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import setuptools

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT))
import build_support  # noqa: E402


def refuse(obstacle: str | None) -> None:
    if obstacle is not None:
        raise SystemExit(obstacle)


refuse(build_support.setuptools_obstacle(setuptools.__version__))

from setuptools import Extension, setup  # noqa: E402
from setuptools.command.build import build  # noqa: E402  (old releases have none)
from setuptools.command.build_ext import build_ext  # noqa: E402
from setuptools.command.dist_info import dist_info  # noqa: E402

try:
    import torch
except ModuleNotFoundError:
    torch = None

# For tools/fuzz_operators.py, which loads what is built with it in a process of its own.
SANITIZE = os.environ.get("TEGNAS_SANITIZE", "") not in ("", "0")
SANITIZE_FLAGS = [
    "-fsanitize=address,undefined",
    "-fno-sanitize=vptr",  # torch's own classes come without what it needs
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
]

CXX_FLAGS = [
    "-g0",
    "-fvisibility=hidden",
    "-Wall",
    "-Wextra",
    "-Wno-psabi",
    "-Wno-unused-parameter",
]
# The kernels rely on fused multiply-adds wherever the instruction set has them.
CXX_FLAGS.append("-ffp-contract=fast")
if SANITIZE:
    CXX_FLAGS += ["-O1", "-g1", *SANITIZE_FLAGS]


class BuildAll(build):
    """Asks before anything is copied, so that the sentence doesn't stand below a long log."""

    def run(self) -> None:
        refuse_to_compile()
        super().run()


class MetadataOfWheel(dist_info):
    """Asks too: pip builds the wheel next, but downloads what it needs before, a torch of several
    gigabytes where the build is isolated."""

    def run(self) -> None:
        refuse_to_compile()
        super().run()


def refuse_to_compile() -> None:
    refuse(build_support.torch_obstacle(torch.__version__ if torch else None))
    refuse(build_support.compiler_obstacle(build_support.cxx_command(os.environ)))


def without_torch() -> dict:
    """The sdist needs no torch; compiling does."""

    class TorchMissing(build_ext):
        def run(self) -> None:
            refuse_to_compile()

    commands = {"build": BuildAll, "build_ext": TorchMissing, "dist_info": MetadataOfWheel}
    return {"ext_modules": [Extension("tegnas._C", [])], "cmdclass": commands}


def with_torch() -> dict:
    from torch.utils import cpp_extension

    try:
        choice = build_support.choose(
            build_support.Machine(
                torch_cuda=torch.version.cuda,
                nvcc=build_support.nvcc_version(cpp_extension.CUDA_HOME),
                gpu_visible=torch.cuda.is_available(),
                cuda_sources=bool(build_support.cuda_sources(ROOT)),
                nvcc_archs=build_support.nvcc_archs(cpp_extension.CUDA_HOME),
            ),
            os.environ,
        )
    except build_support.BuildError as error:
        raise SystemExit(str(error)) from None

    class Build(cpp_extension.BuildExtension):
        def finalize_options(self) -> None:
            # One folder for every way of building, so that only what changed is compiled again.
            if self.build_temp is None:
                kind = "cuda" if choice.cuda else "cpu"
                tag = f"{sys.implementation.cache_tag}-torch{torch.__version__}"
                if SANITIZE:
                    kind += "-sanitize"
                self.build_temp = str(Path("build", f"{tag}-{kind}"))
            super().finalize_options()

        def run(self) -> None:
            refuse_to_compile()
            print(f"tegnas: torch {torch.__version__}, building for {choice.describe()}")
            if choice.arch_list:
                os.environ["TORCH_CUDA_ARCH_LIST"] = choice.arch_list
            super().run()

        def build_extension(self, extension: Extension) -> None:
            """Compiles kernels at a higher level than the rest, and what takes longest first:
            setuptools has one list of flags for all files and sorts these by name."""
            compile_alike = self.compiler.compile

            def compile_by_level(sources, *, output_dir, extra_postargs, **options):
                objects = []
                for level, some in build_support.by_level(sources).items():
                    flags = {**extra_postargs, "cxx": [f"-{level}", *extra_postargs["cxx"]]}
                    folder = os.path.join(output_dir, level)  # ninja keeps its books in it
                    objects += compile_alike(
                        some, output_dir=folder, extra_postargs=flags, **options
                    )
                return objects

            self.compiler.compile = compile_by_level
            super().build_extension(extension)

    flags = {"cxx": [f"-std={build_support.cxx_standard(torch.__version__)}", *CXX_FLAGS]}
    macros: list[tuple[str, str | None]] = [("TORCH_TARGET_VERSION", build_support.TARGET_VERSION)]
    if choice.cuda:
        flags["nvcc"] = ["-O3", "--expt-relaxed-constexpr"]
        arch_list = choice.arch_list or "of the build machine"
        macros += [
            ("USE_CUDA", None),
            ("TEGNAS_WITH_CUDA", None),
            ("TEGNAS_CUDA_ARCH_LIST", f'"{arch_list}"'),
        ]
    extension = cpp_extension.CUDAExtension if choice.cuda else cpp_extension.CppExtension
    module = extension(
        "tegnas._C",
        build_support.sources(ROOT, cuda=choice.cuda),
        include_dirs=[str(ROOT / "csrc")],
        define_macros=macros,
        extra_compile_args=flags,
        extra_link_args=SANITIZE_FLAGS[:1] if SANITIZE else [],
    )
    # Only what has a stable ABI, for the wheel to load in every torch from OLDEST_TORCH on. The C++
    # library comes first: torch's libraries hold parts of it that they don't mean to offer.
    stable = {"torch_cpu", "torch_cuda", "cudart"}
    module.libraries = ["stdc++", *(name for name in module.libraries if name in stable)]
    commands = {"build": BuildAll, "build_ext": Build, "dist_info": MetadataOfWheel}
    return {"ext_modules": [module], "cmdclass": commands}


setup(**(with_torch() if torch else without_torch()))
