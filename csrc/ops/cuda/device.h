// What the CUDA ops share: the device and stream of the operands, memory for a launch.
#pragma once

#include <cuda_runtime_api.h>
#include <torch/csrc/stable/accelerator.h>

#include "ops/tensor.h"

namespace tegnas {

// Makes the device of a tensor current for a scope.
class OnDeviceOf {
 public:
  explicit OnDeviceOf(const Tensor& tensor) : index_(tensor.get_device_index()), guard_(index_) {}

  cudaStream_t stream() const {
    void* stream = nullptr;
    STABLE_TORCH_ERROR_CODE_CHECK(aoti_torch_get_current_cuda_stream(index_, &stream));
    return static_cast<cudaStream_t>(stream);
  }

 private:
  torch::stable::accelerator::DeviceIndex index_;
  torch::stable::accelerator::DeviceGuard guard_;
};

inline Tensor workspace(int64_t bytes, const Tensor& like) {
  return empty({bytes}, ScalarType::Byte, like);
}

}  // namespace tegnas
