// The door from the ops to the engine on CUDA; see launch.h for what holds of all of these.
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/cuda/engine/memory.h"
#include "kernels/parallel.h"

namespace tegnas::cuda {

// The launches are planned on the threads of `parallel_for`.

// Adds to the kernels, which are zero on entry. `tasks`: those of all programs, on the device;
// workspace: chunks.bytes.
template <typename T>
void launch_engine_ntk(cudaStream_t stream, const std::vector<engine::Job<T>>& jobs,
                       const engine::Batches<T>& batches, bool coupled, bool trace,
                       const engine::Chunks& chunks, const grouped::Task* tasks, void* workspace,
                       const engine::Upload& upload, const ParallelFor& parallel_for,
                       const engine::Kernels& kernels);

// Writes activation patterns, for launch_count_regions.
template <typename T>
void launch_engine_patterns(cudaStream_t stream, const std::vector<engine::Job<T>>& jobs,
                            const std::vector<engine::RegionBatch<T>>& batches,
                            const engine::Chunks& chunks, const grouped::Task* tasks,
                            void* workspace, const engine::Upload& upload,
                            const ParallelFor& parallel_for, const engine::PatternBits& patterns);

}  // namespace tegnas::cuda
