// Householder reduction of symmetric matrices to tridiagonal form.
//
// Written once for two layouts. Interleaved: an element is a vector that holds the same entry of
// several matrices, so that every operation serves them all. Single: an element is one number, and
// vectors run down a column. Columns of the lower triangle lie one after the other.
#pragma once

#include <cstdint>

#include "kernels/cpu/simd.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA {
namespace tridiagonal {

using V = Vec<double>;
constexpr int kLanes = lanes<double>;
// Columns that share one pass over the vectors, as registers allow.
constexpr int kColumns = TEGNAS_VECTOR_BYTES == 64 ? 4 : 2;

template <typename E>
constexpr int unit = 1;  // doubles per element
template <>
constexpr int unit<V> = kLanes;

template <typename T>
inline T get(const double* from) {
  return load<double>(from);
}
template <>
inline double get<double>(const double* from) {
  return *from;
}
inline void put(double* to, V value) { store<double>(to, value); }
inline void put(double* to, double value) { *to = value; }

// What a pass over a column has added up, as one element.
template <typename E>
inline E folded(V value) {
  return value;
}
template <>
inline double folded<double>(V value) {
  return sum_lanes<double>(value);
}

inline double square_root(double value) { return __builtin_sqrt(value); }
inline V square_root(V value) {
  for (int i = 0; i < kLanes; ++i) value[i] = __builtin_sqrt(value[i]);
  return value;
}

// Elements: A = A - v wᵀ - w vᵀ is still to be done, u is the next reflection, p = A u.
struct Vectors {
  double *v, *w, *u, *p;
};

// Rows [i, …) of columns [j, j + kCount), below their common diagonal block.
template <typename T, typename E, int kCount>
inline void rows(double* const (&column)[kCount], const Vectors& x, int64_t i, const E (&v)[kCount],
                 const E (&w)[kCount], const E (&u)[kCount], T (&sum)[kCount]) {
  constexpr int s = unit<E>;
  const T vi = get<T>(x.v + i * s), wi = get<T>(x.w + i * s), ui = get<T>(x.u + i * s);
  T pi = get<T>(x.p + i * s);
  for (int c = 0; c < kCount; ++c) {
    const T a = get<T>(column[c] + i * s) - vi * w[c] - wi * v[c];
    put(column[c] + i * s, a);
    pi += a * u[c];
    sum[c] += a * ui;
  }
  put(x.p + i * s, pi);
}

// Applies the pending update to columns [j, j + kCount) and adds their share of A u to p.
template <typename E, int kCount>
inline void columns(double* a, int64_t stride, int64_t n, int64_t j, const Vectors& x) {
  constexpr int s = unit<E>;
  double* column[kCount];
  E v[kCount], w[kCount], u[kCount], p[kCount];
  for (int c = 0; c < kCount; ++c) {
    column[c] = a + (j + c) * stride * s;
    v[c] = get<E>(x.v + (j + c) * s);
    w[c] = get<E>(x.w + (j + c) * s);
    u[c] = get<E>(x.u + (j + c) * s);
    p[c] = get<E>(x.p + (j + c) * s);
  }
  for (int c = 0; c < kCount; ++c) {
    for (int r = c; r < kCount; ++r) {
      const E value = get<E>(column[c] + (j + r) * s) - v[r] * w[c] - w[r] * v[c];
      put(column[c] + (j + r) * s, value);
      p[c] += value * u[r];
      if (r > c) p[r] += value * u[c];
    }
  }
  int64_t i = j + kCount;
  V sum[kCount] = {};
  constexpr int step = unit<E> == 1 ? kLanes : 1;
  for (; i + step <= n; i += step) rows<V, E, kCount>(column, x, i, v, w, u, sum);
  for (int c = 0; c < kCount; ++c) p[c] += folded<E>(sum[c]);
  if constexpr (unit<E> == 1) {
    for (; i < n; ++i) rows<double, double, kCount>(column, x, i, v, w, u, p);
  }
  for (int c = 0; c < kCount; ++c) put(x.p + (j + c) * s, p[c]);
}

// Doubles of workspace that `reduce` needs for elements of type E, the matrix included.
template <typename E>
inline int64_t workspace(int64_t n) {
  return (n * (n | 1) + 4 * n) * unit<E>;
}

// Reduces the lower triangle in `a`, column j at a + j · (n | 1) elements; then come 4 n elements
// of scratch. Gives the diagonal (n) and the squares of the off-diagonal (n - 1), in elements.
template <typename E>
inline void reduce(double* a, int64_t n, double* diagonal, double* off_squares) {
  constexpr int s = unit<E>;
  const int64_t stride = n | 1;
  double* scratch = a + n * stride * s;
  Vectors x = {scratch, scratch + n * s, scratch + 2 * n * s, scratch + 3 * n * s};
  for (int64_t i = 0; i < 4 * n * s; ++i) scratch[i] = 0;
  for (int64_t k = 0; k < n; ++k) {
    double* column = a + k * stride * s;
    const E vk = get<E>(x.v + k * s), wk = get<E>(x.w + k * s);
    E sigma = {};  // of the entries below the subdiagonal
    for (int64_t i = k; i < n; ++i) {
      const E value = get<E>(column + i * s) - get<E>(x.v + i * s) * wk - get<E>(x.w + i * s) * vk;
      put(column + i * s, value);
      if (i > k + 1) sigma += value * value;
    }
    put(diagonal + k * s, get<E>(column + k * s));
    if (k + 1 == n) return;

    // The reflection that leaves `beta` on the subdiagonal, and none where nothing is below.
    const E zero = {};
    const E head = get<E>(column + (k + 1) * s);
    const E squares = sigma + head * head;
    put(off_squares + k * s, squares);
    const E norm = square_root(squares);
    const E beta = head > zero ? -norm : norm;
    const E first = sigma > zero ? head - beta : zero;
    const E tau = sigma > zero ? 2.0 / (sigma + first * first) : zero;
    for (int64_t i = k + 1; i < n; ++i) {
      put(x.u + i * s, i == k + 1 ? first : get<E>(column + i * s));
      put(x.p + i * s, zero);
    }
    int64_t j = k + 1;
    for (; j + kColumns <= n; j += kColumns) columns<E, kColumns>(a, stride, n, j, x);
    for (; j < n; ++j) columns<E, 1>(a, stride, n, j, x);

    E product = {};
    for (int64_t i = k + 1; i < n; ++i) product += get<E>(x.u + i * s) * get<E>(x.p + i * s);
    const E shift = product * tau * tau * 0.5;
    for (int64_t i = k + 1; i < n; ++i) {
      put(x.p + i * s, get<E>(x.p + i * s) * tau - get<E>(x.u + i * s) * shift);
    }
    x = {x.u, x.p, x.v, x.w};
  }
}

}  // namespace tridiagonal
}  // namespace tegnas::cpu::TEGNAS_ISA
TEGNAS_TARGET_END
