// What kernels are written against: CUDA, or in tests (TEGNAS_CUDA_ON_CPU) the harness on the CPU.
//
// Kernels use shared memory through SharedArena and TEGNAS_SHARED only, so that the harness sees
// every access, and are launched through a Stream, so that each launch is checked.
#pragma once

#ifdef TEGNAS_CUDA_ON_CPU
#include "tests/cuda/harness.h"
#else

#include <cuda_runtime.h>

#include <cstddef>
#include <stdexcept>
#include <string>

namespace tegnas::cuda {

// A view of shared memory.
template <typename T>
class SharedArray {
 public:
  __device__ explicit SharedArray(T* data) : data_(data) {}
  __device__ __forceinline__ T& operator[](int index) const { return data_[index]; }

 private:
  T* data_;
};

// Hands out the dynamic shared memory of the block, in the same order in every thread.
class SharedArena {
 public:
  __device__ SharedArena() {
    extern __shared__ __align__(16) unsigned char tegnas_shared[];
    next_ = tegnas_shared;
  }

  template <typename T>
  __device__ SharedArray<T> take(int count) {
    const size_t misplaced = reinterpret_cast<size_t>(next_) % sizeof(T);
    T* data = reinterpret_cast<T*>(next_ + (misplaced == 0 ? 0 : sizeof(T) - misplaced));
    next_ = reinterpret_cast<unsigned char*>(data + count);
    return SharedArray<T>(data);
  }

 private:
  unsigned char* next_;
};

// An array of static shared memory.
#define TEGNAS_SHARED(T, name, count) \
  __shared__ T name##_memory[count];  \
  const ::tegnas::cuda::SharedArray<T> name(name##_memory)

inline void check(cudaError_t status, const char* name) {
  if (status != cudaSuccess) {
    throw std::runtime_error(std::string("tegnas: CUDA kernel ") + name +
                             " failed: " + cudaGetErrorString(status) + ".");
  }
}

// Where kernels are launched, in order and without waiting for them.
class Stream {
 public:
  explicit Stream(cudaStream_t stream) : stream_(stream) {}

  template <typename... P, typename... A>
  void launch(const char* name, dim3 grid, dim3 block, size_t shared, void (*kernel)(P...),
              A... arguments) const {
    constexpr size_t kWithoutAsking = 48 << 10;
    if (shared > kWithoutAsking) {
      check(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 static_cast<int>(shared)),
            name);
    }
    cudaLaunchConfig_t config{};
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = shared;
    config.stream = stream_;
    check(cudaLaunchKernelEx(&config, kernel, arguments...), name);
    check(cudaGetLastError(), name);
  }

  void clear(void* memory, size_t bytes) const {
    check(cudaMemsetAsync(memory, 0, bytes, stream_), "memset");
  }

 private:
  cudaStream_t stream_;
};

}  // namespace tegnas::cuda

#endif  // TEGNAS_CUDA_ON_CPU
