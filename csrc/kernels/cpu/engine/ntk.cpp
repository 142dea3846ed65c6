#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>

#include "kernels/cpu/engine/call.h"
#include "kernels/cpu/engine/engine.h"
#include "kernels/cpu/engine/memory.h"
#include "kernels/cpu/engine/patterns.h"
#include "kernels/cpu/engine/plans.h"
#include "kernels/cpu/engine/stems.h"
#include "kernels/cpu/engine/workers.h"

namespace tegnas::cpu {

int64_t engine_nanoseconds() {
#if defined(CLOCK_THREAD_CPUTIME_ID)
  // Time on a core, so that other work on the machine counts less.
  timespec now;
  if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0) {
    return int64_t{1000000000} * now.tv_sec + now.tv_nsec;
  }
#endif
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

namespace {

using engine::Plan;
using engine::Program;
using engine::Purpose;

// The padded Gram matrices of one job, and how they become its results.
class Grams {
 public:
  void cut(Cutter& cutter, int64_t x_padded, int64_t y_padded, bool rest) {
    x_padded_ = x_padded;
    y_padded_ = y_padded;
    grams_.searched = cutter.take<double>(Checked(x_padded) * x_padded);
    grams_.rest = rest ? cutter.take<double>(Checked(x_padded) * x_padded) : nullptr;
    grams_.cross = y_padded > 0 ? cutter.take<double>(Checked(y_padded) * x_padded) : nullptr;
  }

  void clear() {
    std::memset(grams_.searched, 0, sizeof(double) * x_padded_ * x_padded_);
    if (grams_.rest != nullptr) {
      std::memset(grams_.rest, 0, sizeof(double) * x_padded_ * x_padded_);
    }
    if (y_padded_ > 0) std::memset(grams_.cross, 0, sizeof(double) * y_padded_ * x_padded_);
  }

  const EngineGrams& get() const { return grams_; }

  template <typename T>
  void copy_to(const NtkJob<T>& job, int64_t n, int64_t ny) const {
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j <= i; ++j) {
        const double searched = grams_.searched[j * x_padded_ + i];
        if (job.k_searched != nullptr)
          job.k_searched[i * n + j] = job.k_searched[j * n + i] = searched;
        if (job.k_all == nullptr) continue;
        job.k_all[i * n + j] = job.k_all[j * n + i] = searched + grams_.rest[j * x_padded_ + i];
      }
    }
    if (job.k_cross == nullptr) return;
    for (int64_t i = 0; i < ny; ++i) {
      for (int64_t j = 0; j < n; ++j) job.k_cross[i * n + j] = grams_.cross[i * x_padded_ + j];
    }
  }

 private:
  EngineGrams grams_{};
  int64_t x_padded_ = 0, y_padded_ = 0;
};

template <typename T>
struct Call {
  const Kernels& general;
  const EngineKernels<T>& kernels;
  const PackedImages<T>& x;
  const PackedImages<T>& y;
  const NtkOptions& options;
  const ParallelFor& parallel_for;

  bool trace() const { return options.outputs == OutputReduction::trace; }
  // -1 stands for the sum of all outputs.
  int64_t first_output() const { return trace() ? 0 : -1; }
  int64_t end_output(const Plan& plan) const { return trace() ? plan.outputs : 0; }
};

template <typename T>
bool wants_distances(const NtkJob<T>& job) {
  return job.distances != nullptr;
}

// What doesn't wait for gradients, once x went forward.
template <typename T>
void finish_forward(const Call<T>& call, const NtkJob<T>& job, const EngineBatch<T>& x) {
  if (job.logits != nullptr) call.kernels.logits(x, job.logits);
  if (!wants_distances(job)) return;
  std::vector<uint64_t> rows;
  append_patterns(x, call.kernels.lanes, rows);
  call.general.row_distances(rows.data(), x.images, pattern_words(*x.plan), job.distances);
}

template <typename T>
struct StemsOfCall {
  Stems<T> x, y;
};

template <typename T>
void run_frozen(const Call<T>& call, StemsOfCall<T>& stems, const NtkJob<T>& job,
                const Plan& plan) {
  const EngineKernels<T>& kernels = call.kernels;
  const bool with_y = call.y.count() > 0 && job.k_cross != nullptr;
  const bool kernel = job.k_all != nullptr || job.k_searched != nullptr || with_y;
  EngineBatch<T> x, y;
  EngineScratch<T> scratch;
  Grams grams;
  T *panel = nullptr, *x_stem = nullptr, *y_stem = nullptr;
  cut_arena(thread_arena(), [&](Cutter& cutter) {
    x = cut_batch(cutter, kernels, plan, job.params, call.x);
    if (wants_distances(job)) cut_words(cutter, kernels, x);
    y = EngineBatch<T>{};
    if (with_y) y = cut_batch(cutter, kernels, plan, job.params, call.y);
    scratch = cut_scratch(cutter, kernels, plan, 0);
    x.local = y.local = scratch.local;
    panel = cutter.take<T>(Checked(plan.panel_rows) * (x.blocks + y.blocks) * kernels.lanes);
    x_stem = cutter.take<T>(Stems<T>::size(x, kernels.lanes));
    if (with_y) y_stem = cutter.take<T>(Stems<T>::size(y, kernels.lanes));
    grams.cut(cutter, x.blocks * kernels.lanes, y.blocks * kernels.lanes, job.k_all != nullptr);
  });
  scratch.profile = call.options.profile;
  stems.x.attach(x, scratch, x_stem);
  kernels.forward(x, scratch);
  finish_forward(call, job, x);
  if (!kernel) return;
  kernels.prepare_backward(x, scratch);
  if (with_y) {
    stems.y.attach(y, scratch, y_stem);
    kernels.forward(y, scratch);
    kernels.prepare_backward(y, scratch);
  }
  grams.clear();
  for (int64_t output = call.first_output(); output < call.end_output(plan); ++output) {
    kernels.frozen_sweep(x, with_y ? &y : nullptr, scratch, output, panel, grams.get());
  }
  grams.copy_to(job, call.x.count(), call.y.count());
}

// The rows of the Jacobians of x and of y are independent tasks over one forward sweep.
template <typename T>
void run_coupled(const Call<T>& call, const NtkJob<T>& job, const Plan& plan) {
  const EngineKernels<T>& kernels = call.kernels;
  const bool with_y = call.y.count() > 0 && job.k_cross != nullptr;
  const bool kernel = job.k_all != nullptr || job.k_searched != nullptr || with_y;
  Arena shared;
  EngineBatch<T> x, y;
  EngineScratch<T> scratch;
  Grams grams;
  T *x_rows = nullptr, *y_rows = nullptr;
  cut_arena(shared, [&](Cutter& cutter) {
    x = cut_batch(cutter, kernels, plan, job.params, call.x);
    if (wants_distances(job)) cut_words(cutter, kernels, x);
    y = EngineBatch<T>{};
    if (with_y) y = cut_batch(cutter, kernels, plan, job.params, call.y);
    const int64_t x_padded = x.blocks * kernels.lanes, y_padded = y.blocks * kernels.lanes;
    scratch = cut_scratch(cutter, kernels, plan, x_padded + y_padded);
    x.local = y.local = scratch.local;
    x_rows = cutter.take<T>(Checked(plan.panel_rows) * x_padded);
    y_rows = with_y ? cutter.take<T>(Checked(plan.panel_rows) * y_padded) : nullptr;
    grams.cut(cutter, x_padded, y_padded, job.k_all != nullptr);
  });
  scratch.profile = call.options.profile;
  const int64_t x_padded = x.blocks * kernels.lanes, y_padded = y.blocks * kernels.lanes;
  kernels.forward(x, scratch);
  finish_forward(call, job, x);
  if (!kernel) return;
  kernels.prepare_backward(x, scratch);
  if (with_y) {
    kernels.forward(y, scratch);
    kernels.prepare_backward(y, scratch);
    std::memset(y_rows, 0, sizeof(T) * plan.panel_rows * y_padded);
  }
  std::memset(x_rows, 0, sizeof(T) * plan.panel_rows * x_padded);
  grams.clear();
  const int64_t tasks = x.images + y.images;
  for (int64_t output = call.first_output(); output < call.end_output(plan); ++output) {
    run_workers(tasks, call.options.workers, call.parallel_for, [&](const auto& next) {
      EngineBatch<T> my_x = x, my_y = y;
      EngineScratch<T> mine;
      cut_arena(thread_arena(), [&](Cutter& cutter) {
        cut_sweep(cutter, kernels, my_x);
        if (with_y) cut_sweep(cutter, kernels, my_y);
        mine = cut_scratch(cutter, kernels, plan, 0);
      });
      mine.profile = call.options.profile;
      for (int64_t task = next(); task >= 0; task = next()) {
        const bool first = task < x.images;
        const int64_t image = first ? task : task - x.images;
        kernels.coupled_row(first ? my_x : my_y, mine, image, output,
                            !first || job.k_all == nullptr,
                            (first ? x_rows : y_rows) + image * plan.panel_rows);
      }
    });
    kernels.coupled_grams(plan, x_rows, x_padded, y_rows, y_padded, plan.panel_rows, scratch,
                          grams.get());
  }
  grams.copy_to(job, call.x.count(), call.y.count());
}

}  // namespace

template <typename T>
void engine_ntk(const Kernels& kernels, const std::vector<NtkJob<T>>& jobs, const Images<T>& x,
                const Images<T>& y, const NtkOptions& options, const ParallelFor& parallel_for) {
  if (jobs.empty() || x.count == 0) return;
  check_inputs(jobs);
  const engine::Shape shape = jobs[0].program->shapes[0];
  const EngineKernels<T>& table = engine_of<T>(kernels, shape, x.count);
  const PackedImages<T> packed_x(table, x, shape), packed_y(table, y, shape);
  const Call<T> call{kernels, table, packed_x, packed_y, options, parallel_for};
  const bool trace = options.outputs == OutputReduction::trace;
  if (options.coupled) {
    for (const NtkJob<T>& job : jobs) {
      run_coupled(call, job,
                  *engine::make_plan(*job.program, Purpose::coupled, trace, wants_distances(job)));
    }
    trim_thread_arena();
    return;
  }
  StemsOfCall<T> stems{{table, jobs}, {table, jobs}};
  Plans plans(Purpose::frozen, trace, std::any_of(jobs.begin(), jobs.end(), wants_distances<T>));
  run_workers(static_cast<int64_t>(jobs.size()), options.workers, parallel_for,
              [&](const auto& next) {
                const Program* planned = nullptr;
                std::shared_ptr<const Plan> plan;
                for (int64_t k = next(); k >= 0; k = next()) {
                  if (jobs[k].program != planned) {
                    planned = jobs[k].program;
                    plan = plans.of(*planned);
                  }
                  run_frozen(call, stems, jobs[k], *plan);
                }
                trim_thread_arena();
              });
}

template void engine_ntk<float>(const Kernels&, const std::vector<NtkJob<float>>&,
                                const Images<float>&, const Images<float>&, const NtkOptions&,
                                const ParallelFor&);
template void engine_ntk<double>(const Kernels&, const std::vector<NtkJob<double>>&,
                                 const Images<double>&, const Images<double>&, const NtkOptions&,
                                 const ParallelFor&);

}  // namespace tegnas::cpu
