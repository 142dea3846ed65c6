// How operators refuse: in one sentence, which Python gets as ValueError or TypeError.
//
// Only what the C++ library itself defines may be thrown through torch. std::invalid_argument
// arrives as ValueError; for a TypeError there is no such class, so the sentence says it first and
// tegnas.ops takes that off (_library.py).
#pragma once

#include <algorithm>
#include <new>
#include <sstream>
#include <stdexcept>
#include <string>

#include "kernels/checked.h"
#include "ops/tensor.h"

namespace tegnas {

class Refusal : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

namespace detail {

inline void append(std::ostringstream& to, Sizes sizes) { to << text(sizes); }
inline void append(std::ostringstream& to, ScalarType dtype) { to << text(dtype); }
template <typename Part>
void append(std::ostringstream& to, const Part& part) {
  to << part;
}

template <typename... Parts>
[[noreturn]] void refuse(const char* type, const Parts&... parts) {
  std::ostringstream sentence;
  sentence << type;
  (append(sentence, parts), ...);
  throw Refusal(sentence.str());
}

}  // namespace detail

// Unless it holds, raises ValueError or TypeError with the parts of a sentence.
#define TEGNAS_CHECK_VALUE(holds, ...)                       \
  do {                                                       \
    if (!(holds)) ::tegnas::detail::refuse("", __VA_ARGS__); \
  } while (false)
#define TEGNAS_CHECK_TYPE(holds, ...)                                   \
  do {                                                                  \
    if (!(holds)) ::tegnas::detail::refuse("TypeError: ", __VA_ARGS__); \
  } while (false)

// Runs the body of an operator. What doesn't fit its kernels, and memory that can't be had, is
// raised as ValueError under the operator's name.
template <typename Body>
auto refusing(const char* op, const Body& body) -> decltype(body()) {
  try {
    return body();
  } catch (const Refusal&) {
    throw;
  } catch (const std::invalid_argument& error) {
    TEGNAS_CHECK_VALUE(false, op, ": ", error.what());
  } catch (const std::length_error&) {
    TEGNAS_CHECK_VALUE(false, op, ": there is not enough memory for these operands.");
  } catch (const std::bad_alloc&) {
    TEGNAS_CHECK_VALUE(false, op, ": there is not enough memory for these operands.");
  }
}

// An empty tensor, or an expanded one, may claim any sizes; loops over some of its dimensions
// would then never end. Raises ValueError where the sizes, those of 0 left out, multiply to more
// than any memory holds.
inline void check_extent(const char* op, const Tensor& tensor) {
  constexpr int64_t kMost = int64_t{1} << 40;
  int64_t product = 1;
  for (int64_t size : tensor.sizes()) {
    size = std::max<int64_t>(1, size);
    TEGNAS_CHECK_VALUE(size <= kMost / product, op, ": a tensor of shape ", tensor.sizes(),
                       " is too large.");
    product *= size;
  }
}

inline void check_same_device(const char* op, const Tensor& tensor, const Tensor& like) {
  TEGNAS_CHECK_VALUE(
      tensor.is_cpu() == like.is_cpu() && tensor.get_device_index() == like.get_device_index(), op,
      ": all tensors must be on one device, got ", device_text(tensor), " and ", device_text(like),
      ".");
}

}  // namespace tegnas
