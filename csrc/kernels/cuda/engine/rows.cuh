// Rows of the Jacobian: gradients of weights, one column of the panel per image.
//
// The lanes of a warp are images. Frozen statistics: every lane keeps its own sum, and one column
// is one image's gradient. Coupled: column `seed` is the gradient of that image's logits, which
// flows through every image, so the lanes' sums are added.
#pragma once

#include "kernels/cuda/engine/conv.cuh"
#include "kernels/cuda/engine/norms.cuh"

namespace tegnas::cuda::engine {

struct Lane {
  int item;         // which weights
  int image, step;  // first image of this lane, and how far the next is
  int end;
  bool active;
};

// The work of this warp among `items` of one seed.
template <typename T>
__device__ __forceinline__ Lane lane_of(const Unit<T>& u, int block, int items,
                                        const Sweep& sweep) {
  const int warp = block * (grouped::kThreads / kWarpSize) + threadIdx.x / kWarpSize;
  const int blocks = sweep.coupled ? 1 : static_cast<int>(ceil_div(u.images_count, kWarpSize));
  const int lane = threadIdx.x % kWarpSize, first = warp / items * kWarpSize + lane;
  const bool active = warp < items * blocks;
  if (sweep.coupled) return {warp % items, lane, kWarpSize, u.images_count, active};
  return {warp % items, first, kWarpSize, first < u.images_count ? first + 1 : u.images_count,
          active};
}

// All lanes of the warp call this.
template <typename T>
__device__ __forceinline__ void put_row(const Unit<T>& u, const Sweep& sweep, int seed, int64_t row,
                                        double sum, const Lane& lane) {
  T* to = u.panel + row * u.images_count;
  if (sweep.coupled) {
    sum = warp_sum(sum);
    if (threadIdx.x % kWarpSize == 0) to[sweep.first_seed + seed] = static_cast<T>(sum);
  } else if (lane.image < u.images_count) {
    to[lane.image] = static_cast<T>(sum);
  }
}

// kTile × kTile weights of a convolution; the sums over an output row are in the precision of the
// numbers, those over rows in float64.
template <typename T>
__device__ void convolve_rows(const Task& t, const Unit<T>& u, int block, int seed,
                              const Sweep& sweep) {
  const Lane lane = lane_of(u, block, grouped::weight_tiles(t), sweep);
  if (!lane.active) return;
  const int group_out = t.out.c / t.groups, group_in = t.in.place.c / t.groups;
  const int weights = static_cast<int>(grouped::weights_of_output(t));
  const int weight_tiles = static_cast<int>(ceil_div(weights, kTile));
  const int out_tiles = static_cast<int>(ceil_div(group_out, kTile));
  const int first_weight = static_cast<int>(lane.item % weight_tiles) * kTile;
  const int first_out = static_cast<int>(lane.item / weight_tiles % out_tiles) * kTile;
  const int group = static_cast<int>(lane.item / weight_tiles / out_tiles);
  const int taps = t.window.kh * t.window.kw;
  int channel[kTile], down[kTile], right[kTile];
  for (int k = 0; k < kTile; ++k) {
    const int weight = first_weight + k < weights ? first_weight + k : weights - 1;
    channel[k] = group * group_in + weight / taps;
    down[k] = weight % taps / t.window.kw * t.window.dh;
    right[k] = weight % taps % t.window.kw * t.window.dw;
  }
  const Reader<T> in(u, t.in);
  const int n = u.images_count, pixels = t.out.pixels();
  double totals[kTile][kTile] = {};
  for (int image = lane.image; image < lane.end; image += lane.step) {
    const T* gradient =
        gradient_at(u, t.grad.at, seed) + (group * group_out + first_out) * pixels * n + image;
    for (int y = 0; y < t.out.h; ++y) {
      T sums[kTile][kTile] = {};
      for (int x = 0; x < t.out.w; ++x) {
        T values[kTile], gradients[kTile];
        for (int k = 0; k < kTile; ++k) {
          const int from_y = input_of(y, t.window.sh, t.window.ph, down[k], t.in.place.h);
          const int from_x = input_of(x, t.window.sw, t.window.pw, right[k], t.in.place.w);
          const bool inside = from_y >= 0 && from_x >= 0;
          values[k] = inside ? in(channel[k], int{from_y} * t.in.place.w + from_x, image) : T(0);
          const bool real = first_out + k < group_out;
          gradients[k] = real ? gradient[(k * pixels + int{y} * t.out.w + x) * n] : T(0);
        }
        for (int o = 0; o < kTile; ++o) {
          for (int k = 0; k < kTile; ++k) sums[o][k] += gradients[o] * values[k];
        }
      }
      for (int o = 0; o < kTile; ++o) {
        for (int k = 0; k < kTile; ++k) totals[o][k] += sums[o][k];
      }
    }
  }
  for (int o = 0; o < kTile && first_out + o < group_out; ++o) {
    const int64_t row = t.row + int{group * group_out + first_out + o} * weights + first_weight;
    const T scale = scale_of(u, t.grad, group * group_out + first_out + o);
    for (int k = 0; k < kTile && first_weight + k < weights; ++k) {
      put_row(u, sweep, seed, row + k, totals[o][k] * scale, lane);
    }
  }
}

template <typename T>
__device__ void write_rows(Is<Kind::linear_rows>, const Task& t, const Unit<T>& u, int block,
                           int seed, const Sweep& sweep) {
  const int inputs = t.in.place.size();
  const Lane lane = lane_of(u, block, t.out.c * inputs, sweep);
  if (!lane.active) return;
  const int out = lane.item / inputs, f = lane.item % inputs;
  const Reader<T> in(u, t.in);
  const T* gradient = gradient_at(u, t.grad.at, seed) + out * u.images_count;
  double sum = 0;
  for (int image = lane.image; image < lane.end; image += lane.step) {
    sum += static_cast<double>(gradient[image]) * in(f / in.pixels, f % in.pixels, image);
  }
  put_row(u, sweep, seed, t.row + lane.item, sum * scale_of(u, t.grad, out), lane);
}

template <typename T>
__device__ void write_rows(Is<Kind::norm_rows>, const Task& t, const Unit<T>& u, int block,
                           int seed, const Sweep& sweep) {
  const Lane lane = lane_of(u, block, t.in.place.c, sweep);
  if (!lane.active) return;
  const int pixels = t.in.place.pixels(), n = u.images_count;
  const T* gradient = gradient_at(u, t.grad.at, seed) + lane.item * pixels * n;
  double sum = 0;
  for (int image = lane.image; image < lane.end; image += lane.step) {
    for (int p = 0; p < pixels; ++p) {
      sum += static_cast<double>(gradient[p * n + image]) * normalised(t, u, {image, p, lane.item});
    }
  }
  put_row(u, sweep, seed, t.row + lane.item, sum * scale_of(u, t.grad, lane.item), lane);
}

}  // namespace tegnas::cuda::engine
