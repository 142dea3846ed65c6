// What the engine on CUDA is asked for; pointers are to device memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "kernels/cuda/grouped/emit.h"

namespace tegnas::cuda::engine {

// A network with its parameters on the device.
template <typename T>
struct Job {
  const grouped::Outline* tasks;
  int64_t first_task;  // among the tasks of all programs
  const T* params;
};

template <typename T>
struct Batches {
  const T *x, *y;  // (C, H, W, images)
  int64_t n, m;    // m may be 0

  std::vector<int64_t> sizes() const {
    return m > 0 ? std::vector<int64_t>{n, m} : std::vector<int64_t>{n};
  }
};

// (jobs, n, n) twice and (jobs, m, n), zero on entry.
struct Kernels {
  double *all, *searched, *cross;
};

// Inputs that share the statistics of batch norm.
template <typename T>
struct RegionBatch {
  const T* images;  // (sets, C, H, W, count); job j reads set j mod sets
  int64_t first, count;
  int64_t sets = 1, set_size = 0;

  const T* of(int64_t job) const { return images + job % sets * set_size; }
};

// Patterns (jobs, inputs, words of 64 bits), zero on entry: shorter ones end in zeros.
struct PatternBits {
  uint32_t* data;
  int64_t inputs, words;
};

// upload(data, bytes): the place of a copy on the device, good for what is enqueued after it.
using Upload = std::function<const void*(const void*, size_t)>;

}  // namespace tegnas::cuda::engine
