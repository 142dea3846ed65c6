// Smallest and largest eigenvalues of symmetric matrices, or all of them, with one matrix per lane
// or one alone.
#pragma once

#include <cstdint>

#include "kernels/cpu/simd.h"
#include "kernels/cpu/tridiagonal_impl.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA {
namespace eigen {

using tridiagonal::get;
using tridiagonal::put;
using tridiagonal::unit;
using tridiagonal::V;
constexpr int kLanes = tridiagonal::kLanes;

// Entries are at most about 1 here. A pivot this small means a shift that is an eigenvalue of a
// leading block, and counts as negative.
constexpr double kPivot = 1e-280;
constexpr double kEpsilon = 2.220446049250313e-16;
constexpr int kLaguerreSteps = 12;
// Halvings of an interval of width ≤ 4 ‖T‖ down to less than ε ‖T‖.
constexpr int kHalvings = 56;
// Of QL for one eigenvalue; two are usual.
constexpr int kSweeps = 60;

inline V smaller(V a, V b) { return a < b ? a : b; }
inline V larger(V a, V b) { return a > b ? a : b; }

template <typename E>
inline V element(const double* from) {
  return V{} + get<E>(from);
}

// What the pivots of T - x tell: one is negative exactly if an eigenvalue lies below x. `first` is
// Σ 1/(λ - x) and `second` is Σ 1/(λ - x)², from derivatives of the pivots.
struct Pivots {
  V smallest, first, second;
};

// One elimination in progress: a pivot and its two derivatives.
struct Elimination {
  V shift, pivot, slope, bend;
  Pivots sums;

  explicit Elimination(V x, V diagonal) : shift(x), pivot(diagonal - x), bend{} {
    slope = broadcast<double>(-1);
    sums = {pivot, V{}, V{}};
  }

  // Takes the pivot in and goes on to the next row.
  void next(V diagonal, V off_square) {
    const V tiny = broadcast<double>(kPivot);
    pivot = (pivot < tiny) & (pivot > -tiny) ? -tiny : pivot;
    sums.smallest = smaller(pivot, sums.smallest);
    const V inverse = 1.0 / pivot;
    const V relative = slope * inverse, square = relative * relative, curve = bend * inverse;
    sums.first -= relative;
    sums.second += square - curve;
    const V factor = off_square * inverse;
    pivot = (diagonal - shift) - factor;
    slope = factor * relative - 1.0;
    bend = factor * (curve - 2.0 * square);
  }
};

// Eliminates T - low and -T - high at once, since divisions take long.
template <typename E>
inline void eliminate(const double* diagonal, const double* off_squares, int64_t n, V low, V high,
                      Pivots& below, Pivots& above) {
  constexpr int s = unit<E>;
  const V zero = {};
  V d = element<E>(diagonal);
  Elimination a(low, d), b(high, -d);
  for (int64_t i = 1; i < n; ++i) {
    const V square = element<E>(off_squares + (i - 1) * s);
    d = element<E>(diagonal + i * s);
    a.next(d, square);
    b.next(-d, square);
  }
  a.next(zero, zero);
  b.next(zero, zero);
  below = a.sums;
  above = b.sums;
}

// The search for the smallest eigenvalue from below. Laguerre's method approaches it from outside
// the spectrum without passing it (but for rounding), by three times the digits each time where it
// is simple; what is left is bisected.
struct Search {
  V start, end;  // the eigenvalue lies between them
  V x;           // the next shift
  V tolerance;
  bool bisect = false;

  bool done() const {
    for (int i = 0; i < kLanes; ++i) {
      if (!(end[i] - start[i] <= 5 * tolerance[i])) return false;
    }
    return true;
  }

  void take(const Pivots& pivots, double n) {
    const V zero = {};
    // A matrix that is done waits for the others unchanged: its numbers are its own.
    const auto waits = end - start <= 5 * tolerance;
    const auto passed = pivots.smallest < zero;
    end = ~waits & passed ? smaller(x, end) : end;
    start = waits | passed ? start : larger(x, start);
    const V middle = 0.5 * (start + end);
    if (bisect) {
      x = middle;
      return;
    }
    const V spread = (n - 1) * (n * pivots.second - pivots.first * pivots.first);
    const V step = n / (pivots.first + tridiagonal::square_root(larger(spread, zero)));
    // A step below the tolerance ends it; just passed means that rounding did it.
    end = ~waits & ~passed & (step <= tolerance) ? smaller(end, x + tolerance) : end;
    const V next = passed ? end - 4.0 * tolerance : x + step;
    x = (next > start) & (next < end) ? next : 0.5 * (start + end);
  }
};

// Gershgorin's bounds of the spectrum of tridiagonal matrices.
struct Bounds {
  V low, high;
  V norm() const { return larger(-low, high); }
};

template <typename E>
inline Bounds bounds_of(const double* diagonal, const double* off_squares, int64_t n) {
  constexpr int s = unit<E>;
  Bounds bounds = {element<E>(diagonal), element<E>(diagonal)};
  V before = {};
  for (int64_t i = 0; i < n; ++i) {
    const V d = element<E>(diagonal + i * s);
    V after = {};
    if (i + 1 < n) after = tridiagonal::square_root(element<E>(off_squares + i * s));
    bounds.low = smaller(bounds.low, d - (before + after));
    bounds.high = larger(bounds.high, d + (before + after));
    before = after;
  }
  return bounds;
}

// The ends of the spectrum of tridiagonal matrices with entries of about 1 at most.
template <typename E>
inline void extremes(const double* diagonal, const double* off_squares, int64_t n, V& lowest,
                     V& highest) {
  V least = element<E>(diagonal), most = least;
  for (int64_t i = 1; i < n; ++i) {
    const V d = element<E>(diagonal + i * unit<E>);
    least = smaller(least, d);
    most = larger(most, d);
  }
  if (n == 1) {
    lowest = highest = least;
    return;
  }
  const Bounds bounds = bounds_of<E>(diagonal, off_squares, n);
  const V low = bounds.low, high = bounds.high, norm = bounds.norm();
  // A little outside, so that the first shift is below the spectrum in spite of rounding.
  const V margin = norm * (4 * kEpsilon) + kPivot, tolerance = norm * (0.5 * kEpsilon) + kPivot;
  Search below = {low - margin, least + margin, low - margin, tolerance};
  Search above = {-high - margin, margin - most, -high - margin, tolerance};
  for (int h = 0; h < kLaguerreSteps + kHalvings && !(below.done() && above.done()); ++h) {
    below.bisect = above.bisect = h >= kLaguerreSteps;
    Pivots a, b;
    eliminate<E>(diagonal, off_squares, n, below.x, above.x, a, b);
    below.take(a, static_cast<double>(n));
    above.take(b, static_cast<double>(n));
  }
  lowest = 0.5 * (below.start + below.end);
  highest = -0.5 * (above.start + above.end);
}

template <typename E>
inline void put_element(double* to, V value) {
  if constexpr (unit<E> == 1) {
    *to = value[0];
  } else {
    put(to, value);
  }
}

// All eigenvalues of tridiagonal matrices in place of the diagonal, in no order, by the rational QL
// method of Pal, Walker and Kahan (Parlett, The Symmetric Eigenvalue Problem, 8.15): the squares of
// the off-diagonal go to zero one after the other. NaN where they don't.
template <typename E>
inline void all(double* diagonal, double* off_squares, int64_t n) {
  constexpr int s = unit<E>;
  const V zero = {}, one = broadcast<double>(1);
  const V norm = bounds_of<E>(diagonal, off_squares, n).norm();
  const V negligible = norm * norm * (kEpsilon * kEpsilon);
  const auto kept = [&](V square) { return square > negligible ? square : V{}; };
  for (int64_t k = 0; k + 1 < n; ++k) {
    for (int sweep = 0;; ++sweep) {
      const V square = element<E>(off_squares + k * s), first = element<E>(diagonal + k * s);
      // A matrix that is done waits for the others unchanged: its numbers are its own.
      const auto waits = square <= negligible;
      bool done = true;
      for (int i = 0; i < kLanes; ++i) done &= waits[i] != 0;
      if (done) break;
      if (sweep == kSweeps) {
        put_element<E>(diagonal + k * s, waits ? first : broadcast<double>(__builtin_nan("")));
        break;
      }
      // Wilkinson's shift, the eigenvalue of the first two rows that is nearer to the first.
      const V root = tridiagonal::square_root(square);
      const V half = (element<E>(diagonal + (k + 1) * s) - first) / (root + root);
      const V length = tridiagonal::square_root(half * half + one);
      const V shift = first - root / (half < zero ? half - length : half + length);
      V cosine = one, sine = zero, gamma = element<E>(diagonal + (n - 1) * s) - shift;
      V pivot = gamma * gamma;
      for (int64_t i = n - 2; i >= k; --i) {
        const V off = element<E>(off_squares + i * s), alpha = element<E>(diagonal + i * s);
        const V sum = pivot + off, old_cosine = cosine, old_gamma = gamma;
        if (i + 2 < n) {
          const V last = element<E>(off_squares + (i + 1) * s);
          put_element<E>(off_squares + (i + 1) * s, waits ? last : kept(sine * sum));
        }
        cosine = sum > zero ? pivot / sum : one;
        sine = sum > zero ? off / sum : zero;
        gamma = cosine * (alpha - shift) - sine * old_gamma;
        const V behind = element<E>(diagonal + (i + 1) * s);
        put_element<E>(diagonal + (i + 1) * s, waits ? behind : old_gamma + (alpha - gamma));
        pivot = cosine > zero ? gamma * gamma / cosine : old_cosine * off;
      }
      put_element<E>(off_squares + k * s, waits ? square : kept(sine * pivot));
      put_element<E>(diagonal + k * s, waits ? first : shift + gamma);
    }
  }
}

// The power of two that brings numbers up to `largest` to about 1; 0 where it isn't finite.
inline double scale_of(double largest) {
  uint64_t bits;
  __builtin_memcpy(&bits, &largest, sizeof bits);
  const uint64_t exponent = bits >> 52 & 2047;
  if (exponent == 2047) return 0;
  // 2^(1023 - exponent), kept within the range of normal numbers.
  bits = (2046 - (exponent < 1 ? 1 : exponent > 2045 ? 2045 : exponent)) << 52;
  __builtin_memcpy(&largest, &bits, sizeof largest);
  return largest;
}

// NaN where an entry of the lower triangle isn't finite.
inline V magnitude(V largest, V value) {
  const V size = value < V{} ? -value : value;
  // The difference is NaN for an infinite entry, and a NaN stays.
  return size - size == V{} ? larger(largest, size) : size - size;
}

inline V matrices_at(const double* const (&row)[kLanes], int64_t j) {
#if TEGNAS_VECTOR_BYTES == 64
  return V{row[0][j], row[1][j], row[2][j], row[3][j], row[4][j], row[5][j], row[6][j], row[7][j]};
#elif TEGNAS_VECTOR_BYTES == 32
  return V{row[0][j], row[1][j], row[2][j], row[3][j]};
#else
  return V{row[0][j], row[1][j]};
#endif
}

// What a matrix was reduced to: a diagonal (n) and the squares of the off-diagonal (n - 1), in
// elements, of the matrix times `scale`; 0 where it isn't finite.
struct Tridiagonal {
  double *diagonal, *off_squares;
  V scale;
};

inline double unscaled(double value, double scale) {
  return scale == 0 ? __builtin_nan("") : value / scale;
}

inline Tridiagonal reduced_interleaved(const double* matrices, int64_t count, int64_t n,
                                       double* workspace) {
  const int64_t stride = n | 1;
  V largest = {};
  for (int64_t i = 0; i < n; ++i) {
    const double* row[kLanes];
    for (int64_t m = 0; m < kLanes; ++m) {
      row[m] = matrices + ((m < count ? m : count - 1) * n + i) * n;
    }
    for (int64_t j = 0; j <= i; ++j) {
      const V value = matrices_at(row, j);
      largest = largest == largest ? magnitude(largest, value) : largest;
      put(workspace + (j * stride + i) * kLanes, value);
    }
  }
  V scale;
  for (int m = 0; m < kLanes; ++m) scale[m] = scale_of(largest[m]);
  for (int64_t j = 0; j < n; ++j) {
    for (int64_t i = j; i < n; ++i) {
      double* entry = workspace + (j * stride + i) * kLanes;
      put(entry, scale == V{} ? V{} : get<V>(entry) * scale);
    }
  }
  double* diagonal = workspace + tridiagonal::workspace<V>(n);
  double* off_squares = diagonal + n * kLanes;
  tridiagonal::reduce<V>(workspace, n, diagonal, off_squares);
  return {diagonal, off_squares, scale};
}

inline Tridiagonal reduced_single(const double* matrix, int64_t n, double* workspace) {
  V largest = {};
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i && largest[0] == largest[0]; ++j) {
      largest = magnitude(largest, broadcast<double>(matrix[i * n + j]));
    }
  }
  const double scale = scale_of(largest[0]);
  const int64_t stride = n | 1;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      workspace[j * stride + i] = scale == 0 ? 0 : matrix[i * n + j] * scale;
    }
  }
  double* diagonal = workspace + tridiagonal::workspace<double>(n);
  double* off_squares = diagonal + n;
  tridiagonal::reduce<double>(workspace, n, diagonal, off_squares);
  return {diagonal, off_squares, broadcast<double>(scale)};
}

}  // namespace eigen

int64_t eigen_workspace(int64_t n, int64_t matrices) {
  if (matrices == 1) return tridiagonal::workspace<double>(n) + 2 * n;
  return tridiagonal::workspace<tridiagonal::V>(n) + 2 * n * eigen::kLanes;
}

// Of 1 to lanes<double> matrices (count, n, n).
void extreme_eigenvalues_interleaved(const double* matrices, int64_t count, int64_t n,
                                     double* workspace, double* lowest, double* highest) {
  using namespace eigen;
  const Tridiagonal t = reduced_interleaved(matrices, count, n, workspace);
  V low, high;
  extremes<V>(t.diagonal, t.off_squares, n, low, high);
  for (int64_t m = 0; m < count; ++m) {
    lowest[m] = unscaled(low[m], t.scale[m]);
    highest[m] = unscaled(high[m], t.scale[m]);
  }
}

void extreme_eigenvalues_single(const double* matrix, int64_t n, double* workspace, double* lowest,
                                double* highest) {
  using namespace eigen;
  const Tridiagonal t = reduced_single(matrix, n, workspace);
  V low, high;
  extremes<double>(t.diagonal, t.off_squares, n, low, high);
  *lowest = unscaled(low[0], t.scale[0]);
  *highest = unscaled(high[0], t.scale[0]);
}

// Likewise; all eigenvalues, (count, n).
void eigenvalues_interleaved(const double* matrices, int64_t count, int64_t n, double* workspace,
                             double* eigenvalues) {
  using namespace eigen;
  const Tridiagonal t = reduced_interleaved(matrices, count, n, workspace);
  all<V>(t.diagonal, t.off_squares, n);
  for (int64_t m = 0; m < count; ++m) {
    for (int64_t i = 0; i < n; ++i) {
      eigenvalues[m * n + i] = unscaled(t.diagonal[i * kLanes + m], t.scale[m]);
    }
  }
}

void eigenvalues_single(const double* matrix, int64_t n, double* workspace, double* eigenvalues) {
  using namespace eigen;
  const Tridiagonal t = reduced_single(matrix, n, workspace);
  all<double>(t.diagonal, t.off_squares, n);
  for (int64_t i = 0; i < n; ++i) eigenvalues[i] = unscaled(t.diagonal[i], t.scale[0]);
}

}  // namespace tegnas::cpu::TEGNAS_ISA
TEGNAS_TARGET_END
