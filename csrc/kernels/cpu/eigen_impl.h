// Smallest and largest eigenvalues of symmetric matrices, with one matrix per lane or one alone.

namespace tegnas::cpu::TEGNAS_ISA {
namespace eigen {

using tridiagonal::get;
using tridiagonal::put;
using tridiagonal::unit;
using tridiagonal::V;
constexpr int kLanes = tridiagonal::kLanes;

// Entries are at most 1 here; pivots this small mean a shift that is an eigenvalue of a leading
// block, and count as negative.
constexpr double kPivot = 1e-280;
// Halvings of an interval of width ≤ 4 ‖A‖ down to less than ε ‖A‖.
constexpr int kHalvings = 56;

// The exponent that brings the largest entry of the lower triangle to about 1, as a factor; 0 where
// an entry isn't finite.
inline double scale_of(const double* matrix, int64_t n) {
  uint64_t largest = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double* row = matrix + i * n;
    for (int64_t j = 0; j <= i; ++j) {
      uint64_t bits;
      __builtin_memcpy(&bits, row + j, sizeof bits);
      bits &= ~(uint64_t{1} << 63);
      largest = bits > largest ? bits : largest;
    }
  }
  const uint64_t exponent = largest >> 52;
  if (exponent == 2047) return 0;
  // 2^(1023 - exponent), kept within the range of normal numbers.
  uint64_t inverse = 2046 - (exponent < 1 ? 1 : exponent > 2045 ? 2045 : exponent);
  inverse <<= 52;
  double scale;
  __builtin_memcpy(&scale, &inverse, sizeof scale);
  return scale;
}

// Where every pivot of A - shift is negative, all eigenvalues lie below the shift; where one is,
// at least one does. Two rows of shifts at a time, since divisions take long.
template <typename E>
inline void pivots(const double* diagonal, const double* off_squares, int64_t n, V low, V high,
                   V& smallest, V& largest) {
  constexpr int s = unit<E>;
  const V tiny = broadcast<double>(kPivot);
  smallest = broadcast<double>(1);
  largest = broadcast<double>(-1);
  V p = get<E>(diagonal) - low, q = get<E>(diagonal) - high;
  for (int64_t i = 1;; ++i) {
    p = (p < tiny) & (p > -tiny) ? -tiny : p;
    q = (q < tiny) & (q > -tiny) ? -tiny : q;
    smallest = p < smallest ? p : smallest;
    largest = q > largest ? q : largest;
    if (i == n) return;
    const E square = get<E>(off_squares + (i - 1) * s), d = get<E>(diagonal + i * s);
    p = (d - low) - square / p;
    q = (d - high) - square / q;
  }
}

// An interval that holds every eigenvalue (Gershgorin).
template <typename E>
inline void bounds(const double* diagonal, const double* off_squares, int64_t n, E& low, E& high) {
  constexpr int s = unit<E>;
  E before = {};
  for (int64_t i = 0; i < n; ++i) {
    E after = {};
    if (i + 1 < n) after = tridiagonal::square_root(get<E>(off_squares + i * s));
    const E d = get<E>(diagonal + i * s), radius = before + after;
    low = i == 0 || d - radius < low ? d - radius : low;
    high = i == 0 || d + radius > high ? d + radius : high;
    before = after;
  }
}

}  // namespace eigen

int64_t eigen_workspace(int64_t n, int64_t matrices) {
  if (matrices == 1) return tridiagonal::workspace<double>(n) + 2 * n;
  return tridiagonal::workspace<tridiagonal::V>(n) + 2 * n * eigen::kLanes;
}

// Of up to lanes<double> matrices (count, n, n), the missing ones taken for zero.
void extreme_eigenvalues_interleaved(const double* matrices, int64_t count, int64_t n,
                                     double* workspace, double* lowest, double* highest) {
  using namespace eigen;
  const int64_t stride = n | 1;
  double scale[kLanes] = {};
  for (int64_t m = 0; m < kLanes; ++m) {
    if (m < count) scale[m] = scale_of(matrices + m * n * n, n);
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j <= i; ++j) {
        workspace[(j * stride + i) * kLanes + m] =
            scale[m] == 0 ? 0 : matrices[(m * n + i) * n + j] * scale[m];
      }
    }
  }
  double* diagonal = workspace + tridiagonal::workspace<V>(n);
  double* off_squares = diagonal + n * kLanes;
  tridiagonal::reduce<V>(workspace, n, diagonal, off_squares);

  V low, high;
  bounds<V>(diagonal, off_squares, n, low, high);
  V low_end = high, high_start = low;  // λmin in [low, low_end], λmax in [high_start, high]
  for (int h = 0; h < kHalvings; ++h) {
    const V middle = (low + low_end) * 0.5, other = (high_start + high) * 0.5;
    V smallest, largest;
    pivots<V>(diagonal, off_squares, n, middle, other, smallest, largest);
    const V zero = {};
    low_end = smallest < zero ? middle : low_end;
    low = smallest < zero ? low : middle;
    high = largest < zero ? other : high;
    high_start = largest < zero ? high_start : other;
  }
  for (int64_t m = 0; m < count; ++m) {
    lowest[m] = scale[m] == 0 ? __builtin_nan("") : low_end[m] / scale[m];
    highest[m] = scale[m] == 0 ? __builtin_nan("") : high[m] / scale[m];
  }
}

void extreme_eigenvalues_single(const double* matrix, int64_t n, double* workspace, double* lowest,
                                double* highest) {
  using namespace eigen;
  const double scale = scale_of(matrix, n);
  if (scale == 0) {
    *lowest = *highest = __builtin_nan("");
    return;
  }
  const int64_t stride = n | 1;
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j) workspace[j * stride + i] = matrix[i * n + j] * scale;
  }
  double* diagonal = workspace + tridiagonal::workspace<double>(n);
  double* off_squares = diagonal + n;
  tridiagonal::reduce<double>(workspace, n, diagonal, off_squares);

  double low, high;
  bounds<double>(diagonal, off_squares, n, low, high);
  double low_end = high, high_start = low;
  // Every pass tries one shift per lane and keeps one of the lanes + 1 intervals between them.
  for (double parts = 1; parts < static_cast<double>(uint64_t{1} << kHalvings);
       parts *= kLanes + 1) {
    V shifts, others;
    for (int i = 0; i < kLanes; ++i) {
      const double part = (i + 1.0) / (kLanes + 1);
      shifts[i] = low + (low_end - low) * part;
      others[i] = high_start + (high - high_start) * part;
    }
    V smallest, largest;
    pivots<double>(diagonal, off_squares, n, shifts, others, smallest, largest);
    for (int i = kLanes - 1; i >= 0; --i) {
      if (smallest[i] < 0) low_end = shifts[i];
      if (largest[i] < 0) high = others[i];
    }
    for (int i = 0; i < kLanes; ++i) {
      if (smallest[i] >= 0 && shifts[i] < low_end) low = shifts[i];
      if (largest[i] >= 0 && others[i] < high) high_start = others[i];
    }
  }
  *lowest = low_end / scale;
  *highest = high / scale;
}

}  // namespace tegnas::cpu::TEGNAS_ISA
