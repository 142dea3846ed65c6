// Cholesky factorisation and solution of one positive definite system, by columns.

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

inline double dot(const double* a, const double* b, int64_t begin, int64_t end) {
  V sum = {};
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) sum += load<double>(a + i) * load<double>(b + i);
  double total = sum_lanes<double>(sum);
  for (; i < end; ++i) total += a[i] * b[i];
  return total;
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

}  // namespace cholesky

// Column j of the lower triangle (n, n) lies at matrix + j · stride and becomes that of its factor;
// each of `count` right sides becomes its solution. False, with the operands spoilt, where a pivot
// isn't above the threshold.
bool cholesky_solve(double* matrix, int64_t n, int64_t stride, double threshold, double* sides,
                    int64_t count, int64_t side_stride) {
  using namespace cholesky;
  if (!factorise(matrix, n, stride, threshold)) return false;
  for (int64_t k = 0; k < count; ++k) {
    double* x = sides + k * side_stride;
    for (int64_t j = 0; j < n; ++j) {
      const double* column = matrix + j * stride;
      x[j] /= column[j];
      subtract<1>(x, column, stride, x + j, j + 1, n);
    }
    for (int64_t j = n - 1; j >= 0; --j) {
      const double* column = matrix + j * stride;
      x[j] = (x[j] - dot(column, x, j + 1, n)) / column[j];
    }
  }
  return true;
}

}  // namespace tegnas::cpu::TEGNAS_ISA
