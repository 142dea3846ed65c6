// Launchers of the engine, for engine_f32.cu and engine_f64.cu.
#pragma once

#include "kernels/cuda/engine.h"
#include "kernels/cuda/engine/ntk.cuh"
#include "kernels/cuda/engine/regions.cuh"

namespace tegnas::cuda {

template <typename T>
void launch_engine_ntk(cudaStream_t stream, const std::vector<engine::Job<T>>& jobs,
                       const engine::Batches<T>& batches, bool coupled, bool trace,
                       const engine::Chunks& chunks, const grouped::Task* tasks, void* workspace,
                       const engine::Upload& upload, const ParallelFor& parallel_for,
                       const engine::Kernels& kernels) {
  engine::run_ntk(Stream(stream), jobs, batches, coupled, trace, chunks, tasks, workspace, upload,
                  parallel_for, kernels);
}

template <typename T>
void launch_engine_patterns(cudaStream_t stream, const std::vector<engine::Job<T>>& jobs,
                            const std::vector<engine::RegionBatch<T>>& batches,
                            const engine::Chunks& chunks, const grouped::Task* tasks,
                            void* workspace, const engine::Upload& upload,
                            const ParallelFor& parallel_for, const engine::PatternBits& patterns) {
  engine::run_patterns(Stream(stream), jobs, batches, chunks, tasks, workspace, upload,
                       parallel_for, patterns);
}

}  // namespace tegnas::cuda
