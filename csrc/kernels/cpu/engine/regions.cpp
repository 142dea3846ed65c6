#include "kernels/cpu/regions.h"

#include <algorithm>
#include <deque>

#include "kernels/cpu/engine/call.h"
#include "kernels/cpu/engine/engine.h"
#include "kernels/cpu/engine/memory.h"
#include "kernels/cpu/engine/patterns.h"
#include "kernels/cpu/engine/plans.h"
#include "kernels/cpu/engine/workers.h"

namespace tegnas::cpu {
namespace {

using engine::Plan;
using engine::Program;

// Appends the patterns of one batch, a row for each image.
template <typename T>
void run_batch(const EngineKernels<T>& kernels, const Plan& plan, const T* params,
               const PackedImages<T>& images, std::vector<uint64_t>& rows) {
  EngineBatch<T> batch;
  EngineScratch<T> scratch;
  cut_arena(thread_arena(), [&](Cutter& cutter) {
    batch = cut_batch(cutter, kernels, plan, params, images);
    cut_words(cutter, kernels, batch);
    scratch = cut_scratch(cutter, kernels, plan, 0);
    batch.local = scratch.local;
  });
  kernels.forward(batch, scratch);
  append_patterns(batch, kernels.lanes, rows);
}

// finish(job, patterns, images, words) for every job, the patterns as 64-bit words (images, words).
template <typename T, typename Finish>
void for_patterns(const Kernels& kernels, const std::vector<RegionsJob<T>>& jobs,
                  const std::vector<Inputs<T>>& sets, int64_t workers,
                  const ParallelFor& parallel_for, const Finish& finish) {
  if (jobs.empty()) return;
  check_inputs(jobs);
  int64_t most = 0;  // images of a batch
  for (const Inputs<T>& set : sets) {
    for (const Images<T>& batch : set) most = std::max(most, batch.count);
  }
  const EngineKernels<T>& table = engine_of<T>(kernels, jobs[0].program->shapes[0], most);
  std::vector<std::deque<PackedImages<T>>> packed(sets.size());  // images don't move
  for (size_t set = 0; set < sets.size(); ++set) {
    for (const Images<T>& batch : sets[set]) {
      packed[set].emplace_back(table, batch, jobs[0].program->shapes[0]);
    }
  }
  Plans plans(engine::Purpose::regions, false, true);
  run_workers(static_cast<int64_t>(jobs.size()), workers, parallel_for, [&](const auto& next) {
    const Program* planned = nullptr;
    std::shared_ptr<const Plan> plan;
    std::vector<uint64_t> rows;
    for (int64_t k = next(); k >= 0; k = next()) {
      if (jobs[k].program != planned) {
        planned = jobs[k].program;
        plan = plans.of(*planned);
      }
      rows.clear();
      int64_t images = 0;
      for (const PackedImages<T>& batch : packed[jobs[k].set]) {
        images += batch.count();
        if (batch.count() > 0) run_batch(table, *plan, jobs[k].params, batch, rows);
      }
      finish(k, rows.data(), images, pattern_words(*plan));
    }
    trim_thread_arena();
  });
}

}  // namespace

template <typename T>
std::vector<int64_t> engine_regions(const Kernels& kernels, const std::vector<RegionsJob<T>>& jobs,
                                    const std::vector<Inputs<T>>& sets, int64_t workers,
                                    const ParallelFor& parallel_for) {
  std::vector<int64_t> counts(jobs.size(), 0);
  for_patterns(kernels, jobs, sets, workers, parallel_for,
               [&](int64_t job, const uint64_t* rows, int64_t images, int64_t words) {
                 // Without any counted ReLU all images share the empty pattern.
                 counts[job] =
                     words > 0 ? count_distinct(rows, images, words) : std::min<int64_t>(images, 1);
               });
  return counts;
}

template <typename T>
void engine_pattern_distances(const Kernels& kernels, const std::vector<RegionsJob<T>>& jobs,
                              const std::vector<Inputs<T>>& sets, int64_t workers,
                              const ParallelFor& parallel_for, int64_t* distances) {
  for_patterns(kernels, jobs, sets, workers, parallel_for,
               [&](int64_t job, const uint64_t* rows, int64_t images, int64_t words) {
                 kernels.row_distances(rows, images, words, distances + job * images * images);
               });
}

#define TEGNAS_INSTANTIATE(T)                                                                    \
  template std::vector<int64_t> engine_regions<T>(                                               \
      const Kernels&, const std::vector<RegionsJob<T>>&, const std::vector<Inputs<T>>&, int64_t, \
      const ParallelFor&);                                                                       \
  template void engine_pattern_distances<T>(const Kernels&, const std::vector<RegionsJob<T>>&,   \
                                            const std::vector<Inputs<T>>&, int64_t,              \
                                            const ParallelFor&, int64_t*);
TEGNAS_INSTANTIATE(float)
TEGNAS_INSTANTIATE(double)
#undef TEGNAS_INSTANTIATE

}  // namespace tegnas::cpu
