// The backward tasks of the engine: gradients of values, pulled by what they belong to.
#pragma once

#include "kernels/cuda/engine/forward.cuh"

namespace tegnas::cuda::engine {

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

// Of the logits.
template <typename T>
__device__ __forceinline__ T gradient_of(Is<Kind::seed>, const Pull<T>& p) {
  const bool chosen = (p.sweep.output < 0 || p.spot.rest == p.sweep.output) &&
                      (!p.sweep.coupled || p.spot.image == p.sweep.first_seed + p.seed);
  return chosen ? T(1) : T(0);
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
__device__ __forceinline__ T gradient_of(Is<Kind::global_avg_pool_grad>, const Pull<T>& p) {
  return p.gradient[p.spot.rest * p.u.images_count + p.spot.image] *
         scale_of(p.u, p.t.grad, p.spot.rest) / static_cast<T>(p.t.in.place.pixels());
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
__device__ __forceinline__ T normalised(const Task& t, const Unit<T>& u, const Spot& spot) {
  View raw = t.in;
  raw.norm = -1;
  const T* norms = u.norms + t.in.norm + spot.rest;
  return (Reader<T>(u, raw).before_relu(spot.rest, spot.pixel, spot.image) -
          norms[kMean * u.norm_channels]) *
         norms[kInverse * u.norm_channels];
}

// Coupled: what the mean and the deviation pass on is taken off (Ioffe and Szegedy 2015).
template <typename T>
__device__ __forceinline__ T gradient_of(Is<Kind::norm_grad>, const Pull<T>& p) {
  const Unit<T>& u = p.u;
  T value = p.gradient[p.index] * scale_of(u, p.t.grad, p.spot.rest);
  if (p.sweep.coupled) {
    const double* sums = u.sums + p.seed * 2 * u.norm_channels + p.t.in.norm + p.spot.rest;
    const double count = static_cast<double>(p.t.in.place.pixels() * u.images_count);
    const double through = normalised(p.t, u, p.spot) * sums[u.norm_channels];
    value = static_cast<T>(value - (sums[0] + through) / count);
  }
  return value * u.norms[kScale * u.norm_channels + p.t.in.norm + p.spot.rest];
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

// Sums of a norm's output gradient, and of it times the normalised input; a block per channel.
// Coupled gradients have passed no norm unseen.
template <typename T>
__device__ void norm_sums(const Task& t, const Unit<T>& u, int channel, int seed,
                          const SharedArray<double>& partial) {
  const int n = u.images_count, count = t.in.place.pixels() * n;
  const T* gradient = gradient_at(u, t.grad.at, seed) + channel * count;
  double plain = 0, weighted = 0;
  for (int k = threadIdx.x; k < count; k += grouped::kThreads) {
    plain += gradient[k];
    weighted += static_cast<double>(gradient[k]) * normalised(t, u, {k % n, k / n, channel});
  }
  plain = block_sum(plain, partial);
  weighted = block_sum(weighted, partial);
  if (threadIdx.x != 0) return;
  double* to = u.sums + seed * 2 * u.norm_channels + t.in.norm + channel;
  to[0] = plain;
  to[u.norm_channels] = weighted;
}

}  // namespace tegnas::cuda::engine
