// The native engine on the CPU: kernels and region counts of many programs in one call.
//
// Jobs run in parallel, each on one thread in a private arena that is kept for later calls; the
// numbers are the same for any number of threads. All jobs of a call read the same images.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cpu/engine/executor.h"
#include "kernels/cpu/kernels.h"
#include "kernels/parallel.h"
#include "kernels/program/program.h"

namespace tegnas::cpu {

template <typename T>
struct Images {
  const T* data = nullptr;  // (count, C, H, W)
  int64_t count = 0;
};

// A program with its parameters and where its results go. Every result may be null.
template <typename T>
struct NtkJob {
  const engine::Program* program;
  const T* params;
  double* k_all;       // (N, N): all weights, images x
  double* k_searched;  // (N, N): the searched weights
  double* k_cross;     // (Ny, N): the searched weights, images y against x; needs y
  T* logits;           // (N, K) of the images x
  // (N, N): in how many bits the activation patterns of the images x differ, as
  // engine_pattern_distances gives it of one batch.
  int64_t* distances = nullptr;
};

enum class OutputReduction { sum, trace };

struct NtkOptions {
  bool coupled = false;  // the derivative passes through the statistics of batch norm
  OutputReduction outputs = OutputReduction::sum;
  int64_t workers = 1;         // how many jobs (coupled: rows) run at once, at most
  int64_t* profile = nullptr;  // nanoseconds by EnginePhase, only with one worker
};

// Throws std::invalid_argument where a program has no logits or reads another image shape.
template <typename T>
void engine_ntk(const Kernels& kernels, const std::vector<NtkJob<T>>& jobs, const Images<T>& x,
                const Images<T>& y, const NtkOptions& options, const ParallelFor& parallel_for);

template <typename T>
struct RegionsJob {
  const engine::Program* program;
  const T* params;
  int64_t set = 0;  // which inputs it sees
};

// Inputs of a region count; every batch has its own batch statistics.
template <typename T>
using Inputs = std::vector<Images<T>>;

// The number of distinct activation patterns over all images of all batches of a job's inputs, one
// for each job.
template <typename T>
std::vector<int64_t> engine_regions(const Kernels& kernels, const std::vector<RegionsJob<T>>& jobs,
                                    const std::vector<Inputs<T>>& sets, int64_t workers,
                                    const ParallelFor& parallel_for);

// In how many bits the activation patterns of a job's images differ: (images, images) for each job,
// one after the other. All sets have as many images.
template <typename T>
void engine_pattern_distances(const Kernels& kernels, const std::vector<RegionsJob<T>>& jobs,
                              const std::vector<Inputs<T>>& sets, int64_t workers,
                              const ParallelFor& parallel_for, int64_t* distances);

}  // namespace tegnas::cpu
