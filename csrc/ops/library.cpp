// The operator library torch.ops.tegnas and the Python module tegnas._C, whose import registers
// it. Each op defines and implements itself in its own file.

#include <pybind11/pybind11.h>
#include <torch/csrc/stable/library.h>
#include <torch/headeronly/version.h>

#include <string>

#include "kernels/cpu/kernels.h"
#include "ops/engine_plan.h"
#include "ops/program_template.h"
#include "ops/threads.h"

#ifndef TEGNAS_CUDA_ARCH_LIST
#define TEGNAS_CUDA_ARCH_LIST ""
#endif

STABLE_TORCH_LIBRARY(tegnas, m) {}

namespace {

pybind11::dict build_info() {
#ifdef TEGNAS_WITH_CUDA
  constexpr bool with_cuda = true;
#else
  constexpr bool with_cuda = false;
#endif
  pybind11::dict info;
  info["simd"] = tegnas::cpu::kernels().isa;
  info["cuda"] = with_cuda;
  info["cuda_arch_list"] = TEGNAS_CUDA_ARCH_LIST;
#if defined(__clang__)
  info["compiler"] = "clang " __clang_version__;
#else
  info["compiler"] = "gcc " __VERSION__;
#endif
  info["torch"] = TORCH_VERSION;
  return info;
}

}  // namespace

PYBIND11_MODULE(_C, m) {
  m.def("build_info", &build_info, "How this extension was built.");
  m.def("pool_stayed_behind", &tegnas::pool_stayed_behind,
        "Whether this process was forked after a call had used torch's threads.");
  tegnas::define_engine_plan(m);
  tegnas::define_program_template(m);
}
