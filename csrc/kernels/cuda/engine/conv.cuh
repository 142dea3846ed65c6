// Convolutions, forward and back: kTile channels of one pixel of one image to a thread.
#pragma once

#include "kernels/cuda/engine/unit.cuh"

namespace tegnas::cuda::engine {

// kTile output channels of one pixel of one image.
template <typename T>
__device__ void convolve(const Task& t, const Unit<T>& u, int block) {
  const int n = u.images_count, pixels = t.out.pixels();
  const int pixel_blocks = ceil_div(pixels * n, grouped::kThreads);
  const int group_out = t.out.c / t.groups, group_in = t.in.place.c / t.groups;
  const int tiles = static_cast<int>(ceil_div(group_out, kTile));
  const int index = block % pixel_blocks * grouped::kThreads + threadIdx.x;
  const int tile = static_cast<int>(block / pixel_blocks % tiles);
  const int group = static_cast<int>(block / pixel_blocks / tiles);
  if (index >= pixels * n) return;
  const Spot spot = spot_of(index, n, pixels);
  const int y = static_cast<int>(spot.pixel / t.out.w), x = static_cast<int>(spot.pixel % t.out.w);
  const Reader<T> in(u, t.in);
  const int weights = grouped::weights_of_output(t);
  const int first = group * group_out + tile * kTile;
  const int some = group_out - tile * kTile < kTile ? group_out - tile * kTile : kTile;
  const T* weight = u.params + t.weight + first * weights;
  T sums[kTile] = {};
  for (int c = 0; c < group_in; ++c) {
    for (int ky = 0; ky < t.window.kh; ++ky) {
      const int from_y = input_of(y, t.window.sh, t.window.ph, ky * t.window.dh, t.in.place.h);
      if (from_y < 0) continue;
      for (int kx = 0; kx < t.window.kw; ++kx) {
        const int from_x = input_of(x, t.window.sw, t.window.pw, kx * t.window.dw, t.in.place.w);
        if (from_x < 0) continue;
        const T value = in(group * group_in + c, int{from_y} * t.in.place.w + from_x, spot.image);
        const int at = (int{c} * t.window.kh + ky) * t.window.kw + kx;
        for (int o = 0; o < kTile; ++o) {
          if (o < some) sums[o] += weight[o * weights + at] * value;
        }
      }
    }
  }
  T* out = value_at(u, t.out) + (first * pixels + spot.pixel) * n + spot.image;
  for (int o = 0; o < some; ++o) {
    out[o * pixels * n] = sums[o] + (t.bias >= 0 ? u.params[t.bias + first + o] : T(0));
  }
}

// kTile input channels of one pixel of one image.
template <typename T>
__device__ void convolve_back(const Task& t, const Unit<T>& u, int block, int seed) {
  const int n = u.images_count, pixels = t.in.place.pixels(), out_pixels = t.out.pixels();
  const int pixel_blocks = ceil_div(pixels * n, grouped::kThreads);
  const int group_out = t.out.c / t.groups, group_in = t.in.place.c / t.groups;
  const int tiles = static_cast<int>(ceil_div(group_in, kTile));
  const int index = block % pixel_blocks * grouped::kThreads + threadIdx.x;
  const int tile = static_cast<int>(block / pixel_blocks % tiles);
  const int group = static_cast<int>(block / pixel_blocks / tiles);
  if (index >= pixels * n) return;
  const Spot spot = spot_of(index, n, pixels);
  const int y = static_cast<int>(spot.pixel / t.in.place.w);
  const int x = static_cast<int>(spot.pixel % t.in.place.w);
  const int some = group_in - tile * kTile < kTile ? group_in - tile * kTile : kTile;
  const int weights = grouped::weights_of_output(t), taps = int{t.window.kh} * t.window.kw;
  const T* weight = u.params + t.weight + group * group_out * weights + tile * kTile * taps;
  const T* gradient =
      gradient_at(u, t.grad.at, seed) + group * group_out * out_pixels * n + spot.image;
  const int first_out = group * group_out;
  T sums[kTile] = {};
  for (int ky = 0; ky < t.window.kh; ++ky) {
    const int to_y = output_of(y, t.window.sh, t.window.ph, ky * t.window.dh, t.out.h);
    if (to_y < 0) continue;
    for (int kx = 0; kx < t.window.kw; ++kx) {
      const int to_x = output_of(x, t.window.sw, t.window.pw, kx * t.window.dw, t.out.w);
      if (to_x < 0) continue;
      const int tap = int{ky} * t.window.kw + kx;
      for (int o = 0; o < group_out; ++o) {
        const T value = gradient[(o * out_pixels + int{to_y} * t.out.w + to_x) * n] *
                        scale_of(u, t.grad, first_out + o);
        for (int c = 0; c < kTile; ++c) {
          if (c < some) sums[c] += weight[o * weights + c * taps + tap] * value;
        }
      }
    }
  }
  const Reader<T> in(u, t.in);
  const int first = group * group_in + tile * kTile;
  T* out = gradient_at(u, t.into, seed) + (first * pixels + spot.pixel) * n + spot.image;
  for (int c = 0; c < some; ++c) {
    put(out + c * pixels * n, in.passes(first + c, spot.pixel, spot.image) ? sums[c] : T(0),
        t.first);
  }
}

}  // namespace tegnas::cuda::engine
