// Tasks of uneven cost on a pool of threads.
#pragma once

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

#include "kernels/parallel.h"

namespace tegnas::cpu {

// Calls worker(next) on at most `workers` threads; next() gives the number of a task that nobody
// else has, or -1 when there are none left. The first exception is thrown again at the end.
template <typename Worker>
void run_workers(int64_t tasks, int64_t workers, const ParallelFor& parallel_for,
                 const Worker& worker) {
  std::atomic<int64_t> taken{0};
  std::exception_ptr failure;
  std::mutex mutex;
  const auto next = [&]() -> int64_t {
    const int64_t task = taken.fetch_add(1);
    return task < tasks ? task : -1;
  };
  parallel_for(std::min(tasks, std::max<int64_t>(1, workers)), [&](int64_t begin, int64_t end) {
    for (int64_t k = begin; k < end; ++k) {
      try {
        worker(next);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (!failure) failure = std::current_exception();
      }
    }
  });
  if (failure) std::rethrow_exception(failure);
}

}  // namespace tegnas::cpu
