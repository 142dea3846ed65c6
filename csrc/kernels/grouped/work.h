// How much a task is: blocks of threads, bytes, floating-point operations.
//
// Blocks have 256 threads. Element-wise kinds have a thread per number; convolutions a thread per
// pixel and image that computes kTile channels, so that a number read serves kTile multiply-adds;
// rows of the Jacobian a warp per tile of kTile × kTile weights, whose lanes are images: 8 reads
// per 16 multiply-adds. Reductions over a channel have a block per channel.
#pragma once

#include <cstdint>

#include "kernels/checked.h"
#include "kernels/grouped/task.h"

#ifdef __CUDACC__
#define TEGNAS_HOST_DEVICE __host__ __device__
#else
#define TEGNAS_HOST_DEVICE
#endif

namespace tegnas::grouped {

constexpr int kThreads = 256;
constexpr int kWarp = 32;
constexpr int kTile = 4;

struct Extent {
  int64_t images = 0, seeds = 1;
  bool coupled = false;

  bool operator==(const Extent& other) const {
    return images == other.images && seeds == other.seeds && coupled == other.coupled;
  }
};

struct Cost {
  double bytes = 0, flops = 0;
};

TEGNAS_HOST_DEVICE constexpr int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

TEGNAS_HOST_DEVICE constexpr int64_t weights_of_output(const Task& t) {
  return int64_t{t.in.place.c / t.groups} * t.window.kh * t.window.kw;
}

// Tiles of a convolution's weights: (group, outputs, weights of an output).
TEGNAS_HOST_DEVICE constexpr int64_t weight_tiles(const Task& t) {
  return t.groups * divide_up(t.out.c / t.groups, kTile) * divide_up(weights_of_output(t), kTile);
}

// Lanes of a warp of rows: blocks of images that have rows of their own, or all images at once.
constexpr int64_t image_blocks(const Extent& e) {
  return e.coupled ? 1 : divide_up(e.images, kWarp);
}

// Blocks for one seed.
inline int64_t blocks_of_seed(const Task& t, const Extent& e) {
  constexpr int kWarps = kThreads / kWarp;
  const int64_t n = e.images;
  switch (t.kind) {
    case Kind::fill:
    case Kind::sum:
    case Kind::avg_pool:
    case Kind::max_pool:
    case Kind::linear:
      return divide_up(t.out.size() * n, kThreads);
    case Kind::global_avg_pool:
      return divide_up(t.in.place.c * n, kThreads);
    case Kind::conv:
      return divide_up(t.out.pixels() * n, kThreads) * t.groups *
             divide_up(t.out.c / t.groups, kTile);
    case Kind::conv_grad:
      return divide_up(t.in.place.pixels() * n, kThreads) * t.groups *
             divide_up(t.in.place.c / t.groups, kTile);
    case Kind::statistics:
    case Kind::norm_sums:
      return t.in.place.c;
    case Kind::signs:
      return divide_up(divide_up(t.in.place.size(), 32) * n, kThreads);
    case Kind::conv_rows:
      return divide_up(weight_tiles(t) * image_blocks(e), kWarps);
    case Kind::linear_rows:
      return divide_up(t.out.c * t.in.place.size() * image_blocks(e), kWarps);
    case Kind::norm_rows:
      return divide_up(t.in.place.c * image_blocks(e), kWarps);
    default:  // seed and the element-wise gradients
      return divide_up(t.in.place.size() * n, kThreads);
  }
}

inline int64_t blocks_of(const Task& t, const Extent& e) {
  if (e.images == 0 || t.parts == 0) return 0;
  return (Checked(blocks_of_seed(t, e)) * e.seeds).value();
}

// What a task, or one part of a sum, must at least move, in numbers of `width` bytes, and compute.
Cost cost_of(const Task& t, const Extent& e, int64_t width);

}  // namespace tegnas::grouped
