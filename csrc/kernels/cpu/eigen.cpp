#include "kernels/cpu/eigen.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "kernels/cpu/kernels.h"

namespace tegnas::cpu {
namespace {

// Above this size, vectors run along one matrix: several at once would leave the cache.
constexpr int64_t kMostInterleaved = 128;

// Also where most lanes stay empty: the two kernels round differently, and what comes out for a
// matrix must not depend on how many others come with it.
bool interleaved(int64_t n) { return n <= kMostInterleaved; }

// body(first, how many, workspace) for what is worked on at once.
template <typename Body>
void for_groups(const Kernels& kernel, int64_t count, int64_t n, const ParallelFor& parallel_for,
                const Body& body) {
  const int64_t group = interleaved(n) ? kernel.double_lanes : 1;
  const double size = static_cast<double>(n);
  const ParallelFor threads = if_worth_threads(2 * size * size * size * count, parallel_for);
  threads((count + group - 1) / group, [&](int64_t begin, int64_t end) {
    std::vector<double> workspace(kernel.eigen_workspace(n, group));
    for (int64_t first = begin * group; first < std::min(count, end * group); first += group) {
      body(first, std::min(group, count - first), workspace.data());
    }
  });
}

}  // namespace

void extreme_eigenvalues(const double* matrices, int64_t count, int64_t n,
                         const ParallelFor& parallel_for, double* lowest, double* highest) {
  const Kernels& kernel = kernels();
  for_groups(kernel, count, n, parallel_for, [&](int64_t first, int64_t some, double* workspace) {
    const double* from = matrices + first * n * n;
    if (interleaved(n)) {
      kernel.extreme_eigenvalues_interleaved(from, some, n, workspace, lowest + first,
                                             highest + first);
    } else {
      kernel.extreme_eigenvalues_single(from, n, workspace, lowest + first, highest + first);
    }
  });
}

void eigenvalues(const double* matrices, int64_t count, int64_t n, const ParallelFor& parallel_for,
                 double* values) {
  const Kernels& kernel = kernels();
  for_groups(kernel, count, n, parallel_for, [&](int64_t first, int64_t some, double* workspace) {
    const double* from = matrices + first * n * n;
    if (interleaved(n)) {
      kernel.eigenvalues_interleaved(from, some, n, workspace, values + first * n);
    } else {
      kernel.eigenvalues_single(from, n, workspace, values + first * n);
    }
  });
}

double condition_number(int64_t n, double lowest, double highest) {
  const double smallest = static_cast<double>(n) * std::numeric_limits<double>::epsilon() * highest;
  const bool sound = std::isfinite(lowest) && std::isfinite(highest) && highest > 0;
  if (!sound || lowest <= smallest) return std::numeric_limits<double>::infinity();
  return highest / lowest;
}

}  // namespace tegnas::cpu
