// One network on its way through one batch of images, as the engine's kernels see it.
#pragma once

#include <cstdint>

#include "kernels/cuda/block.cuh"
#include "kernels/cuda/grouped/schedule.h"

namespace tegnas::cuda::engine {

using grouped::Extent;
using grouped::GradientView;
using grouped::Kind;
using grouped::kTile;
using grouped::Place;
using grouped::Task;
using grouped::View;

// A kind as a type: functions of one name, each for a kind.
template <Kind kKind>
struct Is {};

// visit(Is<kind>{}), of the kinds of one kernel: what has no function for a kind doesn't compile.
template <grouped::Kernel kKernel, int kKind = 0, typename Visit>
__device__ __forceinline__ void for_kind(Kind kind, const Visit& visit) {
  if constexpr (static_cast<Kind>(kKind) != Kind::none) {
    if constexpr (grouped::kernel_of(static_cast<Kind>(kKind)) == kKernel) {
      if (kind == static_cast<Kind>(kKind)) return visit(Is<static_cast<Kind>(kKind)>{});
    }
    for_kind<kKernel, kKind + 1>(kind, visit);
  }
}

// Coefficients of a norm, one array of `norm_channels` each.
enum Coefficient { kMean, kInverse, kScale, kShift, kCoefficients };

template <typename T>
struct Unit {
  const T* params;
  const T* images;  // (C, H, W, N)
  T* values;
  T* gradients;     // by seed
  T* norms;         // (kCoefficients, norm_channels)
  double* sums;     // (seeds, 2, norm_channels)
  T* panel;         // (rows, N): rows of the Jacobian, coupled: one column per seed
  uint32_t* words;  // (N, words): patterns
  int64_t gradient_size, norm_channels, pattern_words;
  int32_t images_count;
};

// What one backward sweep differentiates.
struct Sweep {
  int32_t output = -1;  // a logit, -1: their sum
  int32_t first_seed = 0, seeds = 1;
  bool coupled = false;  // seed s is image first_seed + s; otherwise every image at once
};

// Reads a view.
template <typename T>
struct Reader {
  const T* data;
  const T *scale, *shift;
  int pixels, images;
  bool norm, relu;

  __device__ Reader(const Unit<T>& unit, const View& view)
      : data(view.place.at == grouped::kImages
                 ? unit.images
                 : unit.values + int64_t{view.place.at} * unit.images_count),
        scale(unit.norms + kScale * unit.norm_channels + (view.norm < 0 ? 0 : view.norm)),
        shift(unit.norms + kShift * unit.norm_channels + (view.norm < 0 ? 0 : view.norm)),
        pixels(static_cast<int>(view.place.pixels())),
        images(unit.images_count),
        norm(view.norm >= 0),
        relu(view.relu) {}

  __device__ __forceinline__ T before_relu(int channel, int pixel, int image) const {
    const T value = data[(channel * pixels + pixel) * images + image];
    return norm ? value * scale[channel] + shift[channel] : value;
  }
  // NaN stays NaN.
  __device__ __forceinline__ T operator()(int channel, int pixel, int image) const {
    const T value = before_relu(channel, pixel, image);
    return relu && value <= T(0) ? T(0) : value;
  }
  // As above, but that of the one pixel where there is one for all.
  __device__ __forceinline__ T for_pixel(int channel, int pixel, int image) const {
    return (*this)(channel, pixels == 1 ? 0 : pixel, image);
  }
  __device__ __forceinline__ bool passes(int channel, int pixel, int image) const {
    return !relu || before_relu(channel, pixel, image) > T(0);
  }
};

template <typename T>
__device__ __forceinline__ T* value_at(const Unit<T>& unit, const Place& place) {
  return unit.values + int64_t{place.at} * unit.images_count;
}

template <typename T>
__device__ __forceinline__ T* gradient_at(const Unit<T>& unit, int32_t at, int seed) {
  return unit.gradients + (seed * unit.gradient_size + at) * unit.images_count;
}

// By what a gradient is multiplied as it is read.
template <typename T>
__device__ __forceinline__ T scale_of(const Unit<T>& unit, const GradientView& view, int channel) {
  return view.norm < 0 ? T(1) : unit.norms[kScale * unit.norm_channels + view.norm + channel];
}

template <typename T>
__device__ __forceinline__ void put(T* to, T value, bool first) {
  *to = first ? value : *to + value;
}

// An index cut into the image (fastest), the pixel and the rest. Within one value 32 bits are
// enough (schedule.h sees to it), and their divisions are a fifth of those of 64.
struct Spot {
  int image, pixel, rest;
};

__device__ __forceinline__ Spot spot_of(int index, int images, int pixels) {
  return {index % images, index / images % pixels, index / images / pixels};
}

// Row or column of an input that a window reads, from the output's; outside where negative.
__device__ __forceinline__ int input_of(int out, int step, int padding, int tap, int size) {
  const int in = out * step - padding + tap;
  return in < size ? in : -1;
}

// The output whose window reads `in` at this tap, -1: none.
__device__ __forceinline__ int output_of(int in, int step, int padding, int tap, int size) {
  const int reached = in + padding - tap;
  return reached >= 0 && reached % step == 0 && reached / step < size ? reached / step : -1;
}

}  // namespace tegnas::cuda::engine
