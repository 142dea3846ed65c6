// How operators refuse: what kernels throw becomes a ValueError in one sentence.
#pragma once

#include <ATen/ATen.h>

#include <algorithm>
#include <new>
#include <stdexcept>

#include "kernels/checked.h"

namespace tegnas {

// Runs the body of an operator. What doesn't fit its kernels, and memory that can't be had, is
// raised as ValueError under the operator's name.
template <typename Body>
auto refusing(const char* op, const Body& body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::invalid_argument& error) {
    TORCH_CHECK_VALUE(false, op, ": ", error.what());
  } catch (const std::length_error&) {
    TORCH_CHECK_VALUE(false, op, ": there is not enough memory for these operands.");
  } catch (const std::bad_alloc&) {
    TORCH_CHECK_VALUE(false, op, ": there is not enough memory for these operands.");
  }
}

// An empty tensor, or an expanded one, may claim any sizes; loops over some of its dimensions
// would then never end. Raises ValueError where the sizes, those of 0 left out, multiply to more
// than any memory holds.
inline void check_extent(const char* op, const at::Tensor& tensor) {
  constexpr int64_t kMost = int64_t{1} << 40;
  int64_t product = 1;
  for (int64_t size : tensor.sizes()) {
    size = std::max<int64_t>(1, size);
    TORCH_CHECK_VALUE(size <= kMost / product, op, ": a tensor of shape ", tensor.sizes(),
                      " is too large.");
    product *= size;
  }
}

}  // namespace tegnas
