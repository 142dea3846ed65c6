// Cholesky factorisation of one matrix, by columns, and what regression does with the factor.
#pragma once

#include <cstdint>

#include "kernels/cpu/simd.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA {
namespace cholesky {

using V = Vec<double>;
constexpr int kLanes = lanes<double>;
// Columns that are finished before the rest of the matrix is touched.
constexpr int kPanel = 8;

// to[i] -= Σ_c factors[c] · columns[c][i] for i in [begin, end).
template <int kCount>
inline void subtract(double* to, const double* columns, int64_t stride, const double* factors,
                     int64_t begin, int64_t end) {
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) {
    V value = load<double>(to + i);
    for (int c = 0; c < kCount; ++c) value -= factors[c] * load<double>(columns + c * stride + i);
    store<double>(to + i, value);
  }
  for (; i < end; ++i) {
    for (int c = 0; c < kCount; ++c) to[i] -= factors[c] * columns[c * stride + i];
  }
}

inline bool factorise(double* a, int64_t n, int64_t stride, double threshold) {
  for (int64_t first = 0; first < n; first += kPanel) {
    const int64_t last = first + kPanel < n ? first + kPanel : n;
    for (int64_t j = first; j < last; ++j) {
      double* column = a + j * stride;
      // Also false for a pivot that is not a number.
      if (!(column[j] > threshold)) return false;
      const double pivot = __builtin_sqrt(column[j]);
      const double inverse = 1 / pivot;
      column[j] = pivot;
      for (int64_t i = j + 1; i < n; ++i) column[i] *= inverse;
      for (int64_t k = j + 1; k < last; ++k) {
        subtract<1>(a + k * stride, column, stride, column + k, k, n);
      }
    }
    if (last == n) return true;
    for (int64_t k = last; k < n; ++k) {
      double factors[kPanel];
      for (int c = 0; c < kPanel; ++c) factors[c] = a[(first + c) * stride + k];
      subtract<kPanel>(a + k * stride, a + first * stride, stride, factors, k, n);
    }
  }
  return true;
}

// Σ_t factors[t · step] · x[t], x one vector of right sides per row.
inline V combine(const double* factors, int64_t step, const double* x, int64_t count) {
  V sums[4] = {};
  int64_t t = 0;
  for (; t + 4 <= count; t += 4) {
    for (int c = 0; c < 4; ++c) {
      sums[c] += factors[(t + c) * step] * load<double>(x + (t + c) * kLanes);
    }
  }
  for (; t < count; ++t) sums[0] += factors[t * step] * load<double>(x + t * kLanes);
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// Right sides [first, first + lanes) of rows of `width`, zero beyond.
inline V side(const double* row, int64_t first, int64_t width) {
  V value = {};
  for (int64_t c = 0; c < kLanes && first + c < width; ++c) value[c] = row[first + c];
  return value;
}

// x = (L Lᵀ)⁻¹ x in the rows from `first` on; those above are zero before and aren't computed.
inline void substitute(const double* factor, int64_t n, int64_t stride, int64_t first, double* x) {
  for (int64_t i = first; i < n; ++i) {
    const V known = combine(factor + first * stride + i, stride, x + first * kLanes, i - first);
    store<double>(x + i * kLanes, (load<double>(x + i * kLanes) - known) / factor[i * stride + i]);
  }
  for (int64_t i = n - 1; i >= first; --i) {
    const double* column = factor + i * stride;
    const V known = combine(column + i + 1, 1, x + (i + 1) * kLanes, n - i - 1);
    store<double>(x + i * kLanes, (load<double>(x + i * kLanes) - known) / column[i]);
  }
}

}  // namespace cholesky

bool cholesky_factorise(double* matrix, int64_t n, int64_t stride, double threshold) {
  return cholesky::factorise(matrix, n, stride, threshold);
}

double squared_error(const double* factor, int64_t n, int64_t stride, const double* cross,
                     int64_t m, const double* targets, const double* cross_targets, int64_t classes,
                     double* workspace) {
  using namespace cholesky;
  V total = {};
  for (int64_t first = 0; first < classes; first += kLanes) {
    for (int64_t i = 0; i < n; ++i) {
      store<double>(workspace + i * kLanes, side(targets + i * classes, first, classes));
    }
    substitute(factor, n, stride, 0, workspace);
    for (int64_t i = 0; i < m; ++i) {
      const V residual = side(cross_targets + i * classes, first, classes) -
                         combine(cross + i * n, 1, workspace, n);
      total += residual * residual;
    }
  }
  return sum_lanes<double>(total);
}

void inverse_sums(const double* factor, int64_t n, int64_t stride, const double* weights,
                  double* workspace, double* diagonal, double* sums) {
  using namespace cholesky;
  for (int64_t i = 0; i < n; ++i) sums[i] = 0;
  for (int64_t first = 0; first < n; first += kLanes) {
    // As many columns of the inverse as there are lanes, from the diagonal down: the rest mirrors.
    const int64_t count = n - first < kLanes ? n - first : kLanes;
    for (int64_t i = first; i < n; ++i) store<double>(workspace + i * kLanes, V{});
    for (int64_t c = 0; c < count; ++c) workspace[(first + c) * kLanes + c] = 1;
    substitute(factor, n, stride, first, workspace);
    const V own = side(weights + first, 0, count);
    V columns = {};
    for (int64_t i = first; i < n; ++i) {
      const V entry = load<double>(workspace + i * kLanes);
      const V square = entry * entry;
      columns += square * weights[i];
      if (i >= first + kLanes) sums[i] += sum_lanes<double>(square * own);
    }
    for (int64_t c = 0; c < count; ++c) {
      diagonal[first + c] = workspace[(first + c) * kLanes + c];
      sums[first + c] += columns[c];
    }
  }
}

}  // namespace tegnas::cpu::TEGNAS_ISA
TEGNAS_TARGET_END
