"""What setup.py decides, on machines made up for the purpose."""

from __future__ import annotations

from pathlib import Path

import pytest

import build_support
from build_support import BuildError, Machine, choose
from tegnas.ops import _library

ROOT = Path(__file__).parents[1]
CUDA_MACHINE = Machine(torch_cuda="13.0", nvcc="13.0", gpu_visible=True)
NO_GPU = Machine(torch_cuda="13.0", nvcc="13.0", gpu_visible=False)
CPU_TORCH = Machine(torch_cuda=None, nvcc="13.0", gpu_visible=False)
NO_NVCC = Machine(torch_cuda="13.0", nvcc=None, gpu_visible=True)
MISMATCH = Machine(torch_cuda="13.0", nvcc="12.4", gpu_visible=True)
NO_KERNELS = Machine(torch_cuda="13.0", nvcc="13.0", gpu_visible=True, cuda_sources=False)
OBSTACLES = {
    "CPU-only": CPU_TORCH,
    "nvcc was not found": NO_NVCC,
    "nvcc is for CUDA 12.4 and torch for CUDA 13.0": MISMATCH,
    "no CUDA kernels": NO_KERNELS,
}


def test_cuda_is_built_where_it_can_be_with_or_without_a_gpu():
    visible = choose(CUDA_MACHINE, {})
    assert visible.cuda and visible.arch_list is None
    hidden = choose(NO_GPU, {})
    assert hidden.cuda and hidden.arch_list == "8.0;9.0+PTX"


def test_the_arch_list_of_the_user_stands():
    for machine in (CUDA_MACHINE, NO_GPU):
        assert choose(machine, {"TORCH_CUDA_ARCH_LIST": "7.5"}).arch_list == "7.5"


def test_an_architecture_that_nvcc_lacks_is_refused_in_one_sentence():
    machine = Machine("13.0", "13.0", gpu_visible=False, nvcc_archs=("7.5", "8.0", "9.0", "10.0"))
    with pytest.raises(
        BuildError, match=r"doesn't compile for 5\.2, 6\.1 .*choose from 7\.5, 8\.0"
    ):
        choose(machine, {"TORCH_CUDA_ARCH_LIST": "5.2;6.1+PTX 8.0"})
    for accepted in ("8.0;9.0+PTX", "9.0a 10.0", "Ampere", ""):
        assert choose(machine, {"TORCH_CUDA_ARCH_LIST": accepted}).cuda


def test_minor_versions_of_cuda_may_differ():
    assert choose(Machine(torch_cuda="12.8", nvcc="12.4", gpu_visible=True), {}).cuda


@pytest.mark.parametrize("words", OBSTACLES)
def test_an_obstacle_means_a_cpu_build_that_says_why(words):
    choice = choose(OBSTACLES[words], {})
    assert not choice.cuda
    assert words in choice.describe()


@pytest.mark.parametrize("words", OBSTACLES)
def test_force_cuda_turns_an_obstacle_into_one_sentence(words):
    with pytest.raises(BuildError, match=words) as caught:
        choose(OBSTACLES[words], {"FORCE_CUDA": "1"})
    assert str(caught.value).count("\n") == 0 and str(caught.value).endswith(".")


def test_force_cuda_is_content_where_cuda_can_be_built():
    assert choose(NO_GPU, {"FORCE_CUDA": "1"}).cuda


def test_cpu_only_forbids_cuda():
    choice = choose(CUDA_MACHINE, {"TEGNAS_CPU_ONLY": "1"})
    assert not choice.cuda and "TEGNAS_CPU_ONLY" in choice.describe()


def test_zero_and_empty_mean_unset():
    assert choose(CUDA_MACHINE, {"TEGNAS_CPU_ONLY": "0"}).cuda
    assert not choose(CPU_TORCH, {"FORCE_CUDA": ""}).cuda


def test_contradicting_wishes_are_refused():
    with pytest.raises(BuildError, match="contradict"):
        choose(CUDA_MACHINE, {"FORCE_CUDA": "1", "TEGNAS_CPU_ONLY": "1"})


def test_nvcc_version_is_read_from_the_compiler(tmp_path):
    nvcc = tmp_path / "bin" / "nvcc"
    nvcc.parent.mkdir()
    nvcc.write_text('#!/bin/sh\necho "Cuda compilation tools, release 12.4, V12.4.131"\n')
    nvcc.chmod(0o755)
    assert build_support.nvcc_version(str(tmp_path)) == "12.4"
    assert build_support.nvcc_version(str(tmp_path / "absent")) is None
    assert build_support.nvcc_archs(str(tmp_path / "absent")) == ()


def test_architectures_are_read_from_the_compiler(tmp_path):
    nvcc = tmp_path / "bin" / "nvcc"
    nvcc.parent.mkdir()
    nvcc.write_text("#!/bin/sh\necho compute_75; echo compute_90; echo compute_120\n")
    nvcc.chmod(0o755)
    assert build_support.nvcc_archs(str(tmp_path)) == ("7.5", "9.0", "12.0")


def test_cuda_sources_belong_to_cuda_builds_only(tmp_path):
    names = ("ops/a.cpp", "ops/cuda/b.cpp", "kernels/cpu/c.cpp", "kernels/cuda/d.cu")
    for name in (*names, "kernels/cuda/grouped/e.cpp"):
        file = tmp_path / "csrc" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    cpu = build_support.sources(tmp_path, cuda=False)
    # What the host does for a GPU needs none.
    host = "csrc/kernels/cuda/grouped/e.cpp"
    assert cpu == ["csrc/kernels/cpu/c.cpp", host, "csrc/ops/a.cpp"]
    extra = set(build_support.sources(tmp_path, cuda=True)) - set(cpu)
    assert extra == {"csrc/kernels/cuda/d.cu", "csrc/ops/cuda/b.cpp"}


def test_kernels_alone_are_compiled_at_the_highest_level_and_what_takes_longest_first():
    sources = build_support.sources(ROOT, cuda=True)
    levels = build_support.by_level(sources)
    assert sorted([*levels["O3"], *levels["O2"], *levels["O1"]]) == sources
    assert all(name.startswith("csrc/kernels/cpu/") for name in levels["O3"])
    assert {"csrc/kernels/cpu/eigen.cpp", "csrc/kernels/cpu/isa/avx2.cpp"} <= set(levels["O3"])
    assert "csrc/kernels/cpu/plan/taps.cpp" in levels["O2"]
    assert "/isa/" in levels["O3"][0] and levels["O1"][0] == "csrc/ops/library.cpp"
    assert all(name.startswith("csrc/ops/") for name in levels["O1"])


def test_the_oldest_torch_is_the_one_that_is_compiled_for():
    assert build_support.OLDEST_TORCH == _library.OLDEST_TORCH
    assert build_support.TARGET_VERSION == "0x020a000000000000ULL"


def test_a_torch_that_is_not_known_yet_chooses_the_standard_itself():
    assert build_support.cxx_standard("2.10.0") == "c++17"
    assert build_support.cxx_standard("2.14.1+cu130") == "c++17"
    assert build_support.cxx_standard("2.15.0") == "c++20"


def test_tests_are_not_part_of_the_extension():
    assert not [name for name in build_support.sources(ROOT, cuda=True) if "test" in name]
