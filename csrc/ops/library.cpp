// The operator library torch.ops.tegnas and the Python module tegnas._C, whose import registers
// it. Each op defines and implements itself in its own file. The only file that needs pybind11,
// whose headers take the compiler as long as a kernel does.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <torch/csrc/stable/library.h>
#include <torch/headeronly/version.h>

#include <cstdint>
#include <utility>

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

using Array = pybind11::array_t<int64_t, pybind11::array::c_style | pybind11::array::forcecast>;

tegnas::Words words_of(const Array& array) { return {array.data(), array.size()}; }

// For a caller that has released the interpreter.
tegnas::Room room_in(Array& array) {
  return [&array](int64_t count) {
    const pybind11::gil_scoped_acquire acquire;
    array = Array(count);
    return array.mutable_data();
  };
}

std::pair<Array, Array> write_programs(const Array& words, const Array& options,
                                       int64_t parameters) {
  // Options of another rank have as many edges as no template has.
  const bool table = options.ndim() == 2;
  const tegnas::Choices choices{options.data(), table ? options.shape(0) : 0,
                                table ? options.shape(1) : -1};
  Array code, offsets;
  {
    const pybind11::gil_scoped_release release;
    tegnas::write_programs(words_of(words), choices, parameters, room_in(code), room_in(offsets));
  }
  return {std::move(code), std::move(offsets)};
}

std::pair<int64_t, int64_t> prepare_launches(const Array& code, const Array& offsets,
                                             const Array& job_programs, int64_t images,
                                             bool regions, int64_t memory) {
  const pybind11::gil_scoped_release release;
  return tegnas::prepare_launches(words_of(code), words_of(offsets), words_of(job_programs), images,
                                  regions, memory);
}

}  // namespace

PYBIND11_MODULE(_C, m) {
  m.def("build_info", &build_info, "How this extension was built.");
  m.def("pool_stayed_behind", &tegnas::pool_stayed_behind,
        "Whether this process was forked after a call had used torch's threads.");
  m.def("engine_plan", &tegnas::engine_plan, "What the engine would launch on a GPU.");
  m.def("prepare_launches", &prepare_launches, "What the host does for one call on a GPU.");
  m.def("write_programs", &write_programs, "Programs of many architectures from one template.");
}
