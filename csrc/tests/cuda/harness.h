// CUDA on the CPU, for tests: kernels compiled by a C++ compiler and run thread by thread.
//
// Every thread of a block is a fiber; blocks run one after the other, both in the order of their
// index or in one drawn from a seed. What a GPU leaves undefined is an error here: barriers that
// not all threads reach, shuffles with lanes that aren't there, accesses to shared memory that are
// out of bounds, uninitialised or not ordered by a barrier, launches larger than an sm_80 allows.
// It can't show what needs a device: occupancy, speed, races in global memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "tests/cuda/harness/block.h"
#include "tests/cuda/harness/builtins.h"
#include "tests/cuda/harness/shared.h"

namespace tegnas::cuda {

namespace harness {

struct Launch {
  std::string name;
  dim3 grid, block;
  size_t shared;
};

// 0: threads and blocks in the order of their index; otherwise shuffled.
inline uint64_t& seed() {
  static uint64_t value = 0;
  return value;
}

// Every launch since the list was cleared.
inline std::vector<Launch>& launches() {
  static std::vector<Launch> list;
  return list;
}

constexpr size_t kMostShared = 163 << 10;  // of a block on sm_80, where a launch asks for it

inline void check_launch(const Launch& launch) {
  const dim3 &grid = launch.grid, &block = launch.block;
  const uint64_t threads = uint64_t{block.x} * block.y * block.z;
  const bool fits = threads > 0 && threads <= 1024 && block.z <= 64 && grid.x > 0 && grid.y > 0 &&
                    grid.z > 0 && grid.x <= 0x7FFFFFFFu && grid.y <= 65535 && grid.z <= 65535 &&
                    launch.shared <= kMostShared;
  if (!fits) throw Error("CUDA harness: the launch of " + launch.name + " is too large or empty");
}

inline std::vector<uint64_t> block_order(uint64_t count) {
  std::vector<uint64_t> order(count);
  for (uint64_t b = 0; b < count; ++b) order[b] = b;
  if (seed() != 0) {
    std::mt19937_64 random(seed());
    std::shuffle(order.begin(), order.end(), random);
  }
  return order;
}

}  // namespace harness

class Stream {
 public:
  template <typename... P, typename... A>
  void launch(const char* name, dim3 grid, dim3 block, size_t shared, void (*kernel)(P...),
              A... arguments) const {
    const harness::Launch launch{name, grid, block, shared};
    harness::check_launch(launch);
    harness::launches().push_back(launch);
    gridDim = grid;
    blockDim = block;
    for (uint64_t b : harness::block_order(uint64_t{grid.x} * grid.y * grid.z)) {
      const harness::Index at{static_cast<unsigned>(b % grid.x),
                              static_cast<unsigned>(b / grid.x % grid.y),
                              static_cast<unsigned>(b / grid.x / grid.y)};
      blockIdx = at;
      harness::block().run(
          static_cast<int>(block.x * block.y * block.z), shared,
          harness::seed() == 0 ? 0 : harness::seed() + b, at, [&](int) { kernel(arguments...); },
          [&](int t) {
            const unsigned thread = t;
            threadIdx = {thread % block.x, thread / block.x % block.y, thread / block.x / block.y};
          });
    }
  }

  void clear(void* memory, size_t bytes) const { std::memset(memory, 0, bytes); }
};

}  // namespace tegnas::cuda
