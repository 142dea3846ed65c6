// Sums and products of numbers from outside: a program, a geometry, the sizes of an empty tensor.
//
// Any int64 may come in, so every size that follows from several of them is worked out as Checked,
// and nowhere else is asked whether it still fits. Limits that have a meaning of their own (how
// many pixels a value may have) lie where that is read: program/program.h, ops/gram_problem.cpp.
#pragma once

#include <cstdint>
#include <limits>
#include <stdexcept>

namespace tegnas {

// A whole number that throws std::invalid_argument where it would leave int64.
class Checked {
 public:
  Checked(int64_t value) : value_(value) {}  // NOLINT: every number may become one

  int64_t value() const { return value_; }

  // As a number of 32 bits, which tables keep where there are many of them.
  int32_t narrow() const {
    if (value_ < std::numeric_limits<int32_t>::min() ||
        value_ > std::numeric_limits<int32_t>::max()) {
      fail();
    }
    return static_cast<int32_t>(value_);
  }

  friend Checked operator+(Checked a, Checked b) {
    int64_t sum = 0;
    if (__builtin_add_overflow(a.value_, b.value_, &sum)) fail();
    return sum;
  }
  friend Checked operator-(Checked a, Checked b) {
    int64_t difference = 0;
    if (__builtin_sub_overflow(a.value_, b.value_, &difference)) fail();
    return difference;
  }
  friend Checked operator*(Checked a, Checked b) {
    int64_t product = 0;
    if (__builtin_mul_overflow(a.value_, b.value_, &product)) fail();
    return product;
  }

 private:
  [[noreturn]] static void fail() {
    throw std::invalid_argument("a size that follows from its numbers is too large to be counted.");
  }

  int64_t value_;
};

// (a + b - 1) / b for a of at least 0 and b of at least 1.
inline int64_t checked_divide_up(Checked a, int64_t b) { return (a + (b - 1)).value() / b; }

}  // namespace tegnas
