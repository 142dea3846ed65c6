// The tensors of operators, by torch's stable ABI alone.
//
// The library calls torch only through the C functions that every release since 2.10 has
// (torch/csrc/stable, torch/headeronly; TORCH_TARGET_VERSION in setup.py), so that what was built
// once loads in all of them. tests/test_stable_abi.py reads its undefined symbols. Each call into
// torch costs a little; what needs none is answered here.
#pragma once

#include <torch/csrc/stable/ops.h>
#include <torch/csrc/stable/tensor.h>

#include <array>
#include <string>
#include <vector>

namespace tegnas {

using torch::headeronly::ScalarType;
using torch::stable::Tensor;
using Sizes = torch::headeronly::IntHeaderOnlyArrayRef;
using Tensors = std::vector<Tensor>;

// Undefined for the dtypes that the stable ABI has no name for.
ScalarType dtype_of(const Tensor& tensor);

// For sentences: "[2, 3]", "Float", "cuda:0".
std::string text(Sizes sizes);
std::string text(ScalarType dtype);
std::string device_text(const Tensor& tensor);

// Uninitialised, on the device of `like`.
Tensor empty(Sizes sizes, ScalarType dtype, const Tensor& like);
Tensor zeros(Sizes sizes, ScalarType dtype, const Tensor& like);

// The tensor itself where it is so already.
Tensor packed(const Tensor& tensor);
Tensor packed_float64(const Tensor& tensor);

// All sizes but the last `count`.
inline Sizes without_last(Sizes sizes, size_t count) {
  return sizes.slice(0, sizes.size() - count);
}

// One of torch's own operators that returns a tensor, by its schema; lists are given as Sizes.
template <typename... Arguments>
Tensor call_torch(const char* name, const char* overload, const Arguments&... arguments) {
  std::array<StableIValue, sizeof...(Arguments)> stack{torch::stable::detail::from(arguments)...};
  STABLE_TORCH_ERROR_CODE_CHECK(
      torch_call_dispatcher(name, overload, stack.data(), TORCH_ABI_VERSION));
  return torch::stable::detail::to<Tensor>(stack[0]);
}

}  // namespace tegnas
