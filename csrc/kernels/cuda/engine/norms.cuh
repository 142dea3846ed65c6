// Norms: their statistics, and what passes back through these.
#pragma once

#include "kernels/cuda/engine/instructions.cuh"

namespace tegnas::cuda::engine {

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
