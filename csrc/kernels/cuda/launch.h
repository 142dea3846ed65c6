// The door from the ops to the CUDA kernels: plain functions over device memory.
//
// All of them enqueue work on the given stream of the current device and return at once; none
// allocates or waits. What a kernel computes is written in the .cuh file of its name.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "kernels/cuda/gram/plan.h"

namespace tegnas::cuda {

// matrices (batch, n, n) with 1 ≤ n ≤ kMostEigRows; the three results (batch).
constexpr int64_t kMostEigRows = 128;
void launch_eig_condition(cudaStream_t stream, const double* matrices, int64_t batch, int64_t n,
                          double* smallest, double* largest, double* condition);

// distances (batch, n, n) with 1 ≤ n ≤ kMostEigRows; ranks (batch).
void launch_pattern_rank(cudaStream_t stream, const double* distances, int64_t batch, int64_t n,
                         double* ranks);

// k_xx (batch, n, n) with 1 ≤ n ≤ kMostRegressionRows, k_yx (batch, m, n), tx (n, classes), ty
// (m, classes); errors (batch).
constexpr int64_t kMostRegressionRows = 128;
struct Regression {
  const double *k_xx, *k_yx, *tx, *ty;
  int64_t batch, n, m, classes;
  double ridge;
};
void launch_kernel_regression_error(cudaStream_t stream, const Regression& problem, double* errors);

// kernels (batch, n, n) with 1 ≤ n ≤ kMostLeaveOneOutRows; the two results (batch).
constexpr int64_t kMostLeaveOneOutRows = 128;
void launch_leave_one_out(cudaStream_t stream, const double* kernels, int64_t batch, int64_t n,
                          double* inflations, double* errors);

// activations (inputs, features) of float, double or uint8_t become bits [first, first + features)
// of the patterns (inputs, words of 64 bits); layer by layer, with `last` for the last.
template <typename T>
void launch_pack_signs(cudaStream_t stream, const T* activations, int64_t inputs, int64_t features,
                       int64_t first, bool last, int64_t words, int64_t* patterns);

// patterns (networks, inputs, words), counts (networks); at most 2³¹ inputs in all.
size_t count_regions_workspace(int64_t networks, int64_t inputs, int64_t words);
void launch_count_regions(cudaStream_t stream, const int64_t* patterns, int64_t networks,
                          int64_t inputs, int64_t words, void* workspace, int64_t* counts);

// patterns (networks, inputs, words), distances (networks, inputs, inputs); at most
// kMostDistanceRows inputs.
constexpr int64_t kMostDistanceRows = 65535 * 16;
void launch_pattern_distances(cudaStream_t stream, const int64_t* patterns, int64_t networks,
                              int64_t inputs, int64_t words, int64_t* distances);

// out (networks, left, right) of a problem whose tensors lie on the device.
void launch_ntk_gram(cudaStream_t stream, const gram::Problem& problem, const gram::Plan& plan,
                     void* workspace, double* out);

}  // namespace tegnas::cuda
