// How much a task is: blocks of threads, bytes, floating-point operations.
//
// Blocks have 256 threads. Element-wise kinds have a thread per number, and a block does kPieces
// times 256 numbers one after the other: to find its task costs it several reads that wait for each
// other, about as long as 256 numbers take. Convolutions have a thread per pixel and image that
// computes kTile channels, so that a number read serves kTile multiply-adds; rows of the Jacobian a
// warp per tile of kTile × kTile weights, whose lanes are images: 8 reads per 16 multiply-adds.
// Reductions over a channel have a block per channel.
#pragma once

#include <cstdint>

#include "kernels/checked.h"
#include "kernels/cuda/grouped/task.h"

#ifdef __CUDACC__
#define TEGNAS_HOST_DEVICE __host__ __device__
#else
#define TEGNAS_HOST_DEVICE
#endif

namespace tegnas::cuda::grouped {

constexpr int kThreads = 256;
constexpr int kWarp = 32;
constexpr int kTile = 4;
constexpr int kPieces = 4;

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

// Tiles of channels of which no group shares any with another.
constexpr int64_t channel_tiles(int32_t channels, int32_t groups) {
  return groups == 1 ? divide_up(channels, kTile) : groups * divide_up(channels / groups, kTile);
}

// Lanes of a warp of rows: blocks of images that have rows of their own, or all images at once.
constexpr int64_t image_blocks(const Extent& e) {
  return e.coupled ? 1 : divide_up(e.images, kWarp);
}

// Which kernel carries a task out, and how it divides into blocks. More units than 32 bits count
// are 2^32 - 1 of them, which is more than a launch has (schedule.cpp).
struct Work {
  enum class Unit : int8_t { number, pixel, channel, warp };
  uint32_t units;  // numbers or pixels per image, channels, or warps per block of images
  int32_t times;   // pixel: tiles of channels
  Unit unit;
  Kernel kernel;
};

inline Work work_of(const Task& t, Kind kind) {
  using Unit = Work::Unit;
  const Place &in = t.in.place, &out = t.out;
  const KindDescription& described = description_of(kind);
  const auto work = [&](Unit unit, int64_t units, int64_t times = 1) {
    return Work{static_cast<uint32_t>(units < UINT32_MAX ? units : UINT32_MAX),
                static_cast<int32_t>(times), unit, described.kernel};
  };
  switch (described.cut) {
    case Cut::outputs:
      return work(Unit::number, out.size());
    case Cut::inputs:
      return work(Unit::number, in.size());
    case Cut::words:
      return work(Unit::number, divide_up(in.size(), 32));
    case Cut::output_pixels:
      return work(Unit::pixel, out.pixels(), channel_tiles(out.c, t.groups));
    case Cut::input_pixels:
      return work(Unit::pixel, in.pixels(), channel_tiles(in.c, t.groups));
    case Cut::channels:
      return work(Unit::channel, in.c);
    case Cut::weight_tiles:
      return work(Unit::warp, weight_tiles(t));
    case Cut::weights:
      return work(Unit::warp, out.c * in.size());
    case Cut::scales:
      return work(Unit::warp, in.c);
  }
  return work(Unit::number, 0);
}

// Blocks for one seed.
inline int64_t blocks_of_seed(const Work& work, const Extent& e) {
  const int64_t units = work.units;
  switch (work.unit) {
    case Work::Unit::number:
      return divide_up(units * e.images, kThreads * kPieces);
    case Work::Unit::pixel:
      return divide_up(units * e.images, kThreads) * work.times;
    case Work::Unit::channel:
      return units;
    case Work::Unit::warp:
      return divide_up(units * image_blocks(e), kThreads / kWarp);
  }
  return 0;
}

// What a task, or one part of a sum or product, must at least move as one of its kinds, in numbers
// of `width` bytes, and compute.
Cost cost_of(const Task& t, Kind kind, const Extent& e, int64_t width);

}  // namespace tegnas::cuda::grouped
