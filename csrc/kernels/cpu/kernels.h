// The CPU kernels as a table of functions, one table per instruction set, chosen at run time.
#pragma once

#include <cstdint>

#include "kernels/cpu/weight_gradient.h"

namespace tegnas::cpu {

template <typename T>
struct EngineKernels;

struct Kernels {
  const char* isa;  // "avx512", "avx2" or "portable"

  void (*add_row_products)(const double* a, int64_t a_stride, int64_t rows, const double* b,
                           int64_t b_stride, int64_t columns, int64_t width, double* out,
                           int64_t out_stride);
  void (*weight_gradient_f32)(const WeightGradient<float>& gradient, double* out, bool add);
  void (*weight_gradient_f64)(const WeightGradient<double>& gradient, double* out, bool add);
  void (*signs_f32)(const float* values, int64_t count, uint64_t* words);
  void (*signs_f64)(const double* values, int64_t count, uint64_t* words);
  void (*signs_bool)(const uint8_t* values, int64_t count, uint64_t* words);
  // In how many bits rows (count, words) differ, int64 (count, count).
  void (*row_distances)(const uint64_t* rows, int64_t count, int64_t words, int64_t* distances);
  int64_t double_lanes;
  int64_t (*eigen_workspace)(int64_t n, int64_t matrices);
  void (*extreme_eigenvalues_interleaved)(const double* matrices, int64_t count, int64_t n,
                                          double* workspace, double* lowest, double* highest);
  void (*extreme_eigenvalues_single)(const double* matrix, int64_t n, double* workspace,
                                     double* lowest, double* highest);
  // All of them, (count, n) in no order.
  void (*eigenvalues_interleaved)(const double* matrices, int64_t count, int64_t n,
                                  double* workspace, double* eigenvalues);
  void (*eigenvalues_single)(const double* matrix, int64_t n, double* workspace,
                             double* eigenvalues);

  // Column j of the lower triangle (n, n) lies at matrix + j · stride and becomes that of its
  // Cholesky factor. False, with the matrix spoilt, where a pivot isn't above the threshold.
  bool (*cholesky_factorise)(double* matrix, int64_t n, int64_t stride, double threshold);
  // Σ over rows and classes of (cross_targets - cross A⁻¹ targets)², A given by its factor;
  // targets (n, classes), cross (m, n), cross_targets (m, classes), workspace (n, double_lanes).
  double (*squared_error)(const double* factor, int64_t n, int64_t stride, const double* cross,
                          int64_t m, const double* targets, const double* cross_targets,
                          int64_t classes, double* workspace);
  // Of A⁻¹, A given by its factor, the diagonal (n) and Σ over j of weights[j] · (A⁻¹)ᵢⱼ² (n);
  // workspace (n, double_lanes).
  void (*inverse_sums)(const double* factor, int64_t n, int64_t stride, const double* weights,
                       double* workspace, double* diagonal, double* sums);
  const EngineKernels<float>* engine_f32;
  // Takes more images to a block, for small ones; the other one where there is none.
  const EngineKernels<float>* engine_f32_wide;
  const EngineKernels<double>* engine_f64;
};

// The table for the best instruction set of this machine; the environment variable TEGNAS_SIMD
// (avx512, avx2, portable) lowers it. Throws std::runtime_error where TEGNAS_SIMD names an
// unknown set or one that this machine lacks.
const Kernels& kernels();

// The table of one named set, or null where this machine or build lacks it.
const Kernels* kernels_for(const char* isa);

}  // namespace tegnas::cpu
