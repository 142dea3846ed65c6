// Order of the rows of a triangle in which every contiguous range holds about as much work.
#pragma once

#include <cstdint>

namespace tegnas::cpu::gram {

inline int64_t balanced(int64_t task, int64_t count) {
  return task % 2 == 0 ? task / 2 : count - 1 - task / 2;
}

}  // namespace tegnas::cpu::gram
