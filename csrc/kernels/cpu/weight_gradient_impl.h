// Gradient of one layer's weights for one image: a sum of outer products over output positions.
#pragma once

#include <cstdint>

#include "kernels/cpu/simd.h"
#include "kernels/cpu/weight_gradient.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA {
namespace weight_gradient {

// kWeights · kVectors accumulators: enough to hide the latency, few enough for the registers.
constexpr bool kWide = TEGNAS_VECTOR_BYTES == 64;
constexpr int kMaxVectors = kWide ? 4 : 2;
constexpr int kWeightsOf[] = {0, 8, kWide ? 8 : 6, 8, 6};

// kVectors vectors of output channels, kWeightsOf[kVectors] weights of each at a time.
template <typename T, int kVectors>
inline void columns(const WeightGradient<T>& g, int64_t first_channel, int64_t channels,
                    double* out, bool add) {
  constexpr int kLanes = lanes<T>;
  constexpr int kWeights = kWeightsOf[kVectors];
  for (int64_t k = 0; k < g.weights; k += kWeights) {
    const int64_t weights = g.weights - k < kWeights ? g.weights - k : kWeights;
    const T* row[kWeights];
    for (int r = 0; r < kWeights; ++r) {
      row[r] = g.input + g.offsets[k + (r < weights ? r : weights - 1)];
    }
    Vec<T> total[kWeights][kVectors] = {};
    const T* gradient = g.gradient + first_channel;
    for (int64_t t = 0; t < g.count; ++t, gradient += g.gradient_stride) {
      const int64_t position = g.positions[t];
      Vec<T> right[kVectors];
      for (int v = 0; v < kVectors; ++v) right[v] = load<T>(gradient + v * kLanes);
      for (int r = 0; r < kWeights; ++r) {
        const Vec<T> left = broadcast<T>(row[r][position]);
        for (int v = 0; v < kVectors; ++v) total[r][v] += left * right[v];
      }
    }
    for (int64_t r = 0; r < weights; ++r) {
      T sums[kVectors * kLanes];
      for (int v = 0; v < kVectors; ++v) store<T>(sums + v * kLanes, total[r][v]);
      double* to = out + (k + r) * g.channels + first_channel;
      if (channels == kVectors * kLanes && !add) {
        for (int o = 0; o < kVectors * kLanes; ++o) to[o] = sums[o];
      } else {
        for (int64_t o = 0; o < channels; ++o) to[o] = (add ? to[o] : 0.0) + sums[o];
      }
    }
  }
}

template <typename T>
inline void all(const WeightGradient<T>& g, double* out, bool add) {
  constexpr int kLanes = lanes<T>;
  for (int64_t o = 0; o < g.channels; o += kMaxVectors * kLanes) {
    const int64_t rest = g.channels - o;
    const int64_t some = rest < kMaxVectors * kLanes ? rest : kMaxVectors * kLanes;
    const int64_t vectors = (some + kLanes - 1) / kLanes;
    if (vectors == 1) {
      columns<T, 1>(g, o, some, out, add);
    } else if (vectors == 2) {
      columns<T, 2>(g, o, some, out, add);
    }
#if TEGNAS_VECTOR_BYTES == 64
    else if (vectors == 3) {
      columns<T, 3>(g, o, some, out, add);
    } else {
      columns<T, 4>(g, o, some, out, add);
    }
#endif
  }
}

}  // namespace weight_gradient

// out[k][o] = gradient of weight k of output channel o, added to what is there if `add`; the sums
// are in the precision of the operands.
void weight_gradient_f32(const WeightGradient<float>& gradient, double* out, bool add) {
  weight_gradient::all(gradient, out, add);
}

void weight_gradient_f64(const WeightGradient<double>& gradient, double* out, bool add) {
  weight_gradient::all(gradient, out, add);
}

}  // namespace tegnas::cpu::TEGNAS_ISA
TEGNAS_TARGET_END
