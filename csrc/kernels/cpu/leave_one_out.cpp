#include "kernels/cpu/leave_one_out.h"

#include <cmath>
#include <limits>
#include <vector>

#include "kernels/cpu/kernels.h"

namespace tegnas::cpu {
namespace {

// One kernel at a time, with vectors along the columns of its matrix and of its inverse.
class LeaveOneOut {
 public:
  explicit LeaveOneOut(int64_t n)
      : kernels_(kernels()),
        n_(n),
        stride_(n | 1),
        factor_(n * stride_),
        lengths_(n),
        weights_(n),
        diagonal_(n),
        sums_(n),
        workspace_(n * kernels_.double_lanes) {}

  void compute(const double* kernel, double* inflation, double* error) {
    const double size = static_cast<double>(n_);
    *inflation = *error = std::numeric_limits<double>::infinity();
    if (!load_scaled(kernel)) return;
    const double threshold = size * std::numeric_limits<double>::epsilon();
    if (!kernels_.cholesky_factorise(factor_.data(), n_, stride_, threshold)) return;
    kernels_.inverse_sums(factor_.data(), n_, stride_, weights_.data(), workspace_.data(),
                          diagonal_.data(), sums_.data());
    double diagonal = 0, shares = 0;
    for (int64_t i = 0; i < n_; ++i) {
      diagonal += diagonal_[i];
      shares += sums_[i] / (diagonal_[i] * diagonal_[i] * weights_[i]);
    }
    if (!std::isfinite(diagonal) || !std::isfinite(shares)) return;
    *inflation = diagonal / size;
    *error = shares / size;
  }

 private:
  // The columns of the lower triangle, scaled to a diagonal of ones, and the inverses of what the
  // diagonal was; false where that can't be.
  bool load_scaled(const double* kernel) {
    for (int64_t i = 0; i < n_; ++i) {
      const double square = kernel[i * n_ + i];
      if (!(square > 0)) return false;
      lengths_[i] = std::sqrt(square);
      weights_[i] = 1 / square;
      const double* row = kernel + i * n_;
      for (int64_t j = 0; j <= i; ++j) {
        factor_[j * stride_ + i] = row[j] / (lengths_[i] * lengths_[j]);
      }
    }
    return true;
  }

  const Kernels& kernels_;
  int64_t n_, stride_;
  std::vector<double> factor_, lengths_, weights_, diagonal_, sums_, workspace_;
};

}  // namespace

void leave_one_out(const double* kernels, int64_t count, int64_t n, const ParallelFor& parallel_for,
                   double* inflations, double* errors) {
  const double size = static_cast<double>(n);
  const ParallelFor threads = if_worth_threads(size * size * size * count, parallel_for);
  threads(count, [&](int64_t begin, int64_t end) {
    LeaveOneOut one(n);
    for (int64_t k = begin; k < end; ++k) {
      one.compute(kernels + k * n * n, inflations + k, errors + k);
    }
  });
}

}  // namespace tegnas::cpu
