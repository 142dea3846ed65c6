// The instructions with a thread per number, each forward beside its gradient: functions named by
// the kind of the task; `block` counts within the task. Convolutions are in conv.cuh, norms in
// norms.cuh.
#pragma once

#include <cmath>

#include "kernels/cuda/engine/unit.cuh"

#define TEGNAS_FUNCTIONS tegnas::cuda::engine
#define TEGNAS_INLINE __device__ __forceinline__
#include "kernels/program/functions_impl.h"
#undef TEGNAS_FUNCTIONS
#undef TEGNAS_INLINE

namespace tegnas::cuda::engine {

// A number of a gradient that a thread pulls from what was made of it.
template <typename T>
struct Pull {
  const Task& t;
  const Unit<T>& u;
  const T* gradient;  // that of the output
  int index;          // of the number in the value, and the same in parts
  Spot spot;
  int seed;
  const Sweep& sweep;
};

// A thread per number that is written: `parts` are the task and what follows it.
template <typename T>
__device__ void carry_out(Is<Kind::fill>, const Task*, const Task& t, const Unit<T>& u, int block) {
  const int index = block * grouped::kThreads + threadIdx.x;
  if (index < t.out.size() * u.images_count) value_at(u, t.out)[index] = T(0);
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

// Of the logits.
template <typename T>
__device__ __forceinline__ T gradient_of(Is<Kind::seed>, const Pull<T>& p) {
  const bool chosen = (p.sweep.output < 0 || p.spot.rest == p.sweep.output) &&
                      (!p.sweep.coupled || p.spot.image == p.sweep.first_seed + p.seed);
  return chosen ? T(1) : T(0);
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

template <typename T>
__device__ __forceinline__ T gradient_of(Is<Kind::sum_grad>, const Pull<T>& p) {
  const Task& t = p.t;
  const int y = p.spot.pixel / t.in.place.w + t.top, x = p.spot.pixel % t.in.place.w + t.left;
  if (y < 0 || y >= t.out.h || x < 0 || x >= t.out.w) return T(0);
  const int channel = t.channel + p.spot.rest, pixel = y * t.out.w + x;
  const T value = p.gradient[(channel * t.out.pixels() + pixel) * p.u.images_count + p.spot.image] *
                  scale_of(p.u, t.grad, channel);
  return t.factor >= 0 ? value * p.u.params[t.factor] : value;
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

template <bool kMaximum, typename T>
__device__ __forceinline__ T pooled_back(const Pull<T>& p) {
  const Task& t = p.t;
  const Spot& spot = p.spot;
  const int y = static_cast<int>(spot.pixel / t.in.place.w);
  const int x = static_cast<int>(spot.pixel % t.in.place.w);
  const T* index = value_at(p.u, t.other.place);
  T sum = 0;
  for (int ky = 0; ky < t.window.kh; ++ky) {
    const int to_y = output_of(y, t.window.sh, t.window.ph, ky, t.out.h);
    if (to_y < 0) continue;
    for (int kx = 0; kx < t.window.kw; ++kx) {
      const int to_x = output_of(x, t.window.sw, t.window.pw, kx, t.out.w);
      if (to_x < 0) continue;
      const int at =
          (spot.rest * t.out.pixels() + int{to_y} * t.out.w + to_x) * p.u.images_count + spot.image;
      if (!kMaximum) {
        sum += p.gradient[at] / averaged(t, to_y, to_x);
      } else if (index[at] == static_cast<T>(spot.pixel)) {
        sum += p.gradient[at];
      }
    }
  }
  return sum * scale_of(p.u, t.grad, spot.rest);
}

template <typename T>
__device__ __forceinline__ T gradient_of(Is<Kind::avg_pool_grad>, const Pull<T>& p) {
  return pooled_back<false>(p);
}

template <typename T>
__device__ __forceinline__ T gradient_of(Is<Kind::max_pool_grad>, const Pull<T>& p) {
  return pooled_back<true>(p);
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
__device__ __forceinline__ T gradient_of(Is<Kind::global_avg_pool_grad>, const Pull<T>& p) {
  return p.gradient[p.spot.rest * p.u.images_count + p.spot.image] *
         scale_of(p.u, p.t.grad, p.spot.rest) / static_cast<T>(p.t.in.place.pixels());
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
__device__ __forceinline__ T gradient_of(Is<Kind::linear_grad>, const Pull<T>& p) {
  const Task& t = p.t;
  const int inputs = t.in.place.size();
  const T* weight = p.u.params + t.weight + p.spot.rest * t.in.place.pixels() + p.spot.pixel;
  double sum = 0;
  for (int o = 0; o < t.out.c; ++o) {
    sum += static_cast<double>(weight[o * inputs]) *
           p.gradient[o * p.u.images_count + p.spot.image] * scale_of(p.u, t.grad, o);
  }
  return static_cast<T>(sum);
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

// Of one factor: times the other, summed over all pixels where this one has one for all.
template <typename T>
__device__ __forceinline__ T gradient_of(Is<Kind::product_grad>, const Pull<T>& p) {
  const Reader<T> other(p.u, p.t.other);
  const Spot& spot = p.spot;
  const T scale = scale_of(p.u, p.t.grad, spot.rest);
  const int pixels = p.t.out.pixels(), n = p.u.images_count;
  if (p.t.in.place.pixels() == pixels) {
    return p.gradient[p.index] * other.for_pixel(spot.rest, spot.pixel, spot.image) * scale;
  }
  double sum = 0;
  for (int pixel = 0; pixel < pixels; ++pixel) {
    sum += static_cast<double>(p.gradient[(spot.rest * pixels + pixel) * n + spot.image]) *
           other(spot.rest, pixel, spot.image);
  }
  return static_cast<T>(sum * scale);
}

// The kinds with a thread per number of the input.
template <typename T>
__device__ void elementwise_back(const Task& t, const Unit<T>& u, int block, int seed,
                                 const Sweep& sweep) {
  const int n = u.images_count, pixels = t.in.place.pixels();
  const int index = block * grouped::kThreads + threadIdx.x;
  if (index >= t.in.place.size() * n) return;
  const Spot spot = spot_of(index, n, pixels);
  const Pull<T> pull{t, u, gradient_at(u, t.grad.at, seed), index, spot, seed, sweep};
  T value = 0;
  for_kind<grouped::Kernel::elementwise_grad>(t.gradient,
                                              [&](auto kind) { value = gradient_of(kind, pull); });
  // A norm reads no ReLU.
  const bool norm = t.gradient == Kind::norm_grad;
  if (!norm && !Reader<T>(u, t.in).passes(spot.rest, spot.pixel, spot.image)) value = 0;
  put(gradient_at(u, t.into, seed) + index, value, t.first);
}

}  // namespace tegnas::cuda::engine
