#include "kernels/cpu/pattern_rank.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/cpu/eigen.h"

namespace tegnas::cpu {
namespace {

// Twice the Gram matrix of the points less their mean.
void centre(const double* distances, int64_t n, double* means, double* centred) {
  double mean = 0;
  for (int64_t i = 0; i < n; ++i) {
    double sum = 0;
    for (int64_t j = 0; j < n; ++j) sum += distances[i * n + j];
    means[i] = sum / static_cast<double>(n);
    mean += means[i] / static_cast<double>(n);
  }
  for (int64_t i = 0; i < n; ++i) {
    for (int64_t j = 0; j <= i; ++j) {
      centred[i * n + j] = means[i] + means[j] - distances[i * n + j] - mean;
    }
  }
}

double effective_rank(const double* eigenvalues, int64_t n) {
  double sum = 0, entropy = 0;
  for (int64_t i = 0; i < n; ++i) {
    // Below zero by rounding alone; NaN stays.
    sum += eigenvalues[i] < 0 ? 0 : eigenvalues[i];
  }
  for (int64_t i = 0; i < n; ++i) {
    const double part = eigenvalues[i] / sum;
    if (part > 0) entropy -= part * std::log(part);
  }
  return sum > 0 ? std::exp(entropy) : std::nan("");
}

// Matrices whose centred copies lie in memory at once.
constexpr int64_t kAtOnce = 16;

}  // namespace

void pattern_rank(const double* distances, int64_t count, int64_t n,
                  const ParallelFor& parallel_for, double* ranks) {
  const double size = static_cast<double>(n);
  const ParallelFor threads = if_worth_threads(2 * size * size * size * count, parallel_for);
  threads((count + kAtOnce - 1) / kAtOnce, [&](int64_t begin, int64_t end) {
    std::vector<double> means(n), centred(kAtOnce * n * n), values(kAtOnce * n);
    for (int64_t first = begin * kAtOnce; first < std::min(count, end * kAtOnce);
         first += kAtOnce) {
      const int64_t some = std::min(kAtOnce, count - first);
      for (int64_t m = 0; m < some; ++m) {
        centre(distances + (first + m) * n * n, n, means.data(), centred.data() + m * n * n);
      }
      eigenvalues(centred.data(), some, n, serial_for, values.data());
      for (int64_t m = 0; m < some; ++m) {
        ranks[first + m] = effective_rank(values.data() + m * n, n);
      }
    }
  });
}

}  // namespace tegnas::cpu
