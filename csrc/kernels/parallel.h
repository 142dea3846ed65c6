// How a kernel asks for threads without knowing whose threads they are.
#pragma once

#include <cstdint>
#include <functional>

namespace tegnas {

// Calls body(begin, end) over disjoint ranges that cover [0, count), possibly from several
// threads at once. The torch bindings pass at::parallel_for, the C++ tests a serial loop or
// std::thread; kernels give the same numbers whichever is passed and however it splits.
using ParallelFor =
    std::function<void(int64_t count, const std::function<void(int64_t begin, int64_t end)>& body)>;

inline void serial_for(int64_t count, const std::function<void(int64_t, int64_t)>& body) {
  if (count > 0) body(0, count);
}

// Work of fewer arithmetic operations than this is done before other threads have woken up.
constexpr double kWorthThreads = 1e7;

inline ParallelFor if_worth_threads(double operations, const ParallelFor& parallel_for) {
  return operations < kWorthThreads ? serial_for : parallel_for;
}

}  // namespace tegnas
