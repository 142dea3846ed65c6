// How operators refuse: in one sentence, which Python gets as ValueError or TypeError.
//
// Only what the C++ library itself defines may be thrown through torch. std::invalid_argument
// arrives as ValueError; for a TypeError there is no such class, so the sentence says it first and
// tegnas.ops takes that off (_library.py).
#pragma once

#include <exception>
#include <initializer_list>
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

// What a sentence may be made of.
struct Part {
  Part(const char* words);
  Part(const std::string& words);
  Part(int number);
  Part(int64_t number);
  Part(size_t number);
  Part(Sizes sizes);
  Part(ScalarType dtype);

  std::string words;
};

[[noreturn]] void refuse(const char* type, std::initializer_list<Part> parts);

// Of the exception that is being handled: raises it as `refusing` says.
[[noreturn]] void refuse_as(const char* op);

}  // namespace detail

// Unless it holds, raises ValueError or TypeError with the parts of a sentence.
#define TEGNAS_CHECK_VALUE(holds, ...)                         \
  do {                                                         \
    if (!(holds)) ::tegnas::detail::refuse("", {__VA_ARGS__}); \
  } while (false)
#define TEGNAS_CHECK_TYPE(holds, ...)                                     \
  do {                                                                    \
    if (!(holds)) ::tegnas::detail::refuse("TypeError: ", {__VA_ARGS__}); \
  } while (false)

// Runs the body of an operator. What doesn't fit its kernels, and memory that can't be had, is
// raised as ValueError under the operator's name.
template <typename Body>
auto refusing(const char* op, const Body& body) -> decltype(body()) {
  try {
    return body();
  } catch (const std::exception&) {
    detail::refuse_as(op);
  }
}

// An empty tensor, or an expanded one, may claim any sizes; loops over some of its dimensions
// would then never end. Raises ValueError where the sizes, those of 0 left out, multiply to more
// than any memory holds.
void check_extent(const char* op, const Tensor& tensor);

void check_same_device(const char* op, const Tensor& tensor, const Tensor& like);

}  // namespace tegnas
