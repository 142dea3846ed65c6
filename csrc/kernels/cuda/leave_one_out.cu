#include "kernels/cuda/launch.h"
#include "kernels/cuda/leave_one_out.cuh"

namespace tegnas::cuda {

static_assert(kMostLeaveOneOutRows == leave_one_out::kMostRows);

void launch_leave_one_out(cudaStream_t stream, const double* kernels, int64_t batch, int64_t n,
                          double* inflations, double* errors) {
  leave_one_out_sums(Stream(stream), kernels, batch, static_cast<int>(n), inflations, errors);
}

}  // namespace tegnas::cuda
