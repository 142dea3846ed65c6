// The forward tasks of the engine, one function per kind; `block` counts within the task.
#pragma once

#include <cmath>

#include "kernels/cuda/engine/unit.cuh"

#define TEGNAS_FUNCTIONS tegnas::cuda::engine
#define TEGNAS_INLINE __device__ __forceinline__
#include "kernels/program/functions_impl.h"
#undef TEGNAS_FUNCTIONS
#undef TEGNAS_INLINE

namespace tegnas::cuda::engine {

// A thread per number that is written: `parts` are the task and what follows it.
template <typename T>
__device__ void carry_out(Is<Kind::fill>, const Task*, const Task& t, const Unit<T>& u, int block) {
  const int index = block * grouped::kThreads + threadIdx.x;
  if (index < t.out.size() * u.images_count) value_at(u, t.out)[index] = T(0);
}

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

// A sum, a concatenation, a padded or scaled value: each part adds where it covers the output.
template <typename T>
__device__ void carry_out(Is<Kind::sum>, const Task* parts, const Task& t, const Unit<T>& u,
                          int block) {
  const int n = u.images_count, pixels = t.out.pixels();
  const int index = block * grouped::kThreads + threadIdx.x;
  if (index >= t.out.size() * n) return;
  const Spot spot = spot_of(index, n, pixels);
  T total = 0;
  for (int k = 0; k < t.parts; ++k) {
    const Task& part = parts[k];
    const Place& from = part.in.place;
    const int channel = spot.rest - part.channel;
    const int y = spot.pixel / t.out.w - part.top, x = spot.pixel % t.out.w - part.left;
    if (channel < 0 || channel >= from.c || y < 0 || y >= from.h || x < 0 || x >= from.w) continue;
    const T value = Reader<T>(u, part.in)(channel, y * from.w + x, spot.image);
    total += part.factor >= 0 ? value * u.params[part.factor] : value;
  }
  value_at(u, t.out)[index] = total;
}

// Pixels of an average: those inside, or all of the window that the padded image has.
__device__ inline int averaged(const Task& t, int y, int x) {
  const auto span = [&](int out, int step, int padding, int kernel, int size) {
    const int begin = out * step - padding, end = begin + kernel;
    const int low = t.include_pad ? -padding : 0, high = t.include_pad ? size + padding : size;
    return (end < high ? end : high) - (begin > low ? begin : low);
  };
  return span(y, t.window.sh, t.window.ph, t.window.kh, t.in.place.h) *
         span(x, t.window.sw, t.window.pw, t.window.kw, t.in.place.w);
}

template <typename T>
__device__ void pool(const Task& t, const Unit<T>& u, int block, bool maximum) {
  const int n = u.images_count, pixels = t.out.pixels();
  const int index = block * grouped::kThreads + threadIdx.x;
  if (index >= t.out.size() * n) return;
  const Spot spot = spot_of(index, n, pixels);
  const int y = static_cast<int>(spot.pixel / t.out.w), x = static_cast<int>(spot.pixel % t.out.w);
  const Reader<T> in(u, t.in);
  T sum = 0, most = 0;
  int at = -1;
  for (int ky = 0; ky < t.window.kh; ++ky) {
    const int from_y = input_of(y, t.window.sh, t.window.ph, ky, t.in.place.h);
    if (from_y < 0) continue;
    for (int kx = 0; kx < t.window.kw; ++kx) {
      const int from_x = input_of(x, t.window.sw, t.window.pw, kx, t.in.place.w);
      if (from_x < 0) continue;
      const int pixel = from_y * t.in.place.w + from_x;
      const T value = in(spot.rest, pixel, spot.image);
      sum += value;
      if (at < 0 || value > most || value != value) {
        most = value;
        at = pixel;
      }
    }
  }
  if (maximum) {
    value_at(u, t.out)[index] = most;
    value_at(u, t.other.place)[index] = static_cast<T>(at);
  } else {
    value_at(u, t.out)[index] = sum / averaged(t, y, x);
  }
}

template <typename T>
__device__ void carry_out(Is<Kind::avg_pool>, const Task*, const Task& t, const Unit<T>& u,
                          int block) {
  pool(t, u, block, false);
}

template <typename T>
__device__ void carry_out(Is<Kind::max_pool>, const Task*, const Task& t, const Unit<T>& u,
                          int block) {
  pool(t, u, block, true);
}

template <typename T>
__device__ void carry_out(Is<Kind::global_avg_pool>, const Task*, const Task& t, const Unit<T>& u,
                          int block) {
  const int n = u.images_count;
  const int index = block * grouped::kThreads + threadIdx.x;
  if (index >= t.in.place.c * n) return;
  const Reader<T> in(u, t.in);
  double sum = 0;
  for (int p = 0; p < in.pixels; ++p) sum += in(index / n, p, index % n);
  value_at(u, t.out)[index] = static_cast<T>(sum / in.pixels);
}

template <typename T>
__device__ void carry_out(Is<Kind::linear>, const Task*, const Task& t, const Unit<T>& u,
                          int block) {
  const int n = u.images_count, inputs = t.in.place.size();
  const int index = block * grouped::kThreads + threadIdx.x;
  if (index >= t.out.c * n) return;
  const int out = index / n, image = index % n;
  const Reader<T> in(u, t.in);
  const T* weight = u.params + t.weight + out * inputs;
  double sum = t.bias >= 0 ? u.params[t.bias + out] : T(0);
  for (int f = 0; f < inputs; ++f) {
    sum += static_cast<double>(weight[f]) * in(f / in.pixels, f % in.pixels, image);
  }
  value_at(u, t.out)[index] = static_cast<T>(sum);
}

template <typename T>
__device__ void carry_out(Is<Kind::product>, const Task*, const Task& t, const Unit<T>& u,
                          int block) {
  const int n = u.images_count, pixels = t.out.pixels();
  const int index = block * grouped::kThreads + threadIdx.x;
  if (index >= t.out.size() * n) return;
  const Spot spot = spot_of(index, n, pixels);
  value_at(u, t.out)[index] = Reader<T>(u, t.in).for_pixel(spot.rest, spot.pixel, spot.image) *
                              Reader<T>(u, t.other).for_pixel(spot.rest, spot.pixel, spot.image);
}

template <typename T>
struct Math {
  static __device__ __forceinline__ T falling_exp(T x) { return std::exp(x); }
  static __device__ __forceinline__ Normal<T> normal(T x) {
    return {T(0.5) * std::erfc(x * T(-0.70710678118654752)),
            std::exp(x * x * T(-0.5)) * T(0.39894228040143268)};
  }
};

// A function of a number and, where gradients are wanted, its derivative.
template <typename T>
__device__ void carry_out(Is<Kind::apply>, const Task*, const Task& t, const Unit<T>& u,
                          int block) {
  const int n = u.images_count;
  const int index = block * grouped::kThreads + threadIdx.x;
  if (index >= t.out.size() * n) return;
  const Spot spot = spot_of(index, n, t.out.pixels());
  const T x = Reader<T>(u, t.in)(spot.rest, spot.pixel, spot.image);
  const T below = static_cast<T>(t.number);
  Response<T> found{};
  for_function(t.function, [&](auto chosen) {
    found = respond<decltype(chosen)::function, Math<T>>(x, below);
  });
  value_at(u, t.out)[index] = found.value;
  if (t.other.place.at >= 0) value_at(u, t.other.place)[index] = found.slope;
}

// Mean and deviation of one channel, in float64 and in two passes; one block per channel.
template <typename T>
__device__ void statistics(const Task& t, const Unit<T>& u, int channel,
                           const SharedArray<double>& partial) {
  View raw = t.in;
  raw.norm = -1;
  const Reader<T> in(u, raw);
  const int count = in.pixels * in.images;
  const T* data = in.data + channel * count;
  double sum = 0;
  for (int k = threadIdx.x; k < count; k += grouped::kThreads) sum += data[k];
  const double mean = block_sum(sum, partial) / count;
  double squares = 0;
  for (int k = threadIdx.x; k < count; k += grouped::kThreads) {
    const double centred = data[k] - mean;
    squares += centred * centred;
  }
  const double inverse = 1 / sqrt(block_sum(squares, partial) / count + t.number);
  if (threadIdx.x != 0) return;
  const double weight = t.weight >= 0 ? u.params[t.weight + channel] : T(1);
  const double bias = t.bias >= 0 ? u.params[t.bias + channel] : T(0);
  T* to = u.norms + t.in.norm + channel;
  to[kMean * u.norm_channels] = static_cast<T>(mean);
  to[kInverse * u.norm_channels] = static_cast<T>(inverse);
  to[kScale * u.norm_channels] = static_cast<T>(weight * inverse);
  to[kShift * u.norm_channels] = static_cast<T>(bias - mean * weight * inverse);
}

// 32 signs of one image per thread.
template <typename T>
__device__ void carry_out(Is<Kind::signs>, const Task*, const Task& t, const Unit<T>& u,
                          int block) {
  const int n = u.images_count, size = t.in.place.size();
  const int index = block * grouped::kThreads + threadIdx.x;
  if (index >= ceil_div(size, 32) * n) return;
  const int word = index / n, image = index % n;
  const Reader<T> in(u, t.in);
  const T threshold = static_cast<T>(t.number);
  uint32_t bits = 0;
  for (int b = 0; b < 32 && word * 32 + b < size; ++b) {
    const int f = word * 32 + b;
    bits |= static_cast<uint32_t>(in(f / in.pixels, f % in.pixels, image) > threshold) << b;
  }
  u.words[image * u.pattern_words + t.word + word] = bits;
}

}  // namespace tegnas::cuda::engine
