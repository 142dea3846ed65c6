// The engine for float; the two precisions are apart so that they compile at the same time.

#include "kernels/cuda/engine_impl.cuh"

namespace tegnas::cuda {

template void launch_engine_ntk(cudaStream_t, const std::vector<engine::Job<float>>&,
                                const engine::Batches<float>&, bool, bool, const engine::Chunks&,
                                const grouped::Task*, void*, const engine::Upload&,
                                const ParallelFor&, const engine::Kernels&);
template void launch_engine_patterns(cudaStream_t, const std::vector<engine::Job<float>>&,
                                     const std::vector<engine::RegionBatch<float>>&,
                                     const engine::Chunks&, const grouped::Task*, void*,
                                     const engine::Upload&, const ParallelFor&,
                                     const engine::PatternBits&);

}  // namespace tegnas::cuda
