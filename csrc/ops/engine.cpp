// The native engine: kernels and region counts of many programs, each with parameters of its own.

#include "kernels/cpu/engine/engine.h"

#include <algorithm>
#include <array>
#include <string>
#include <tuple>
#include <vector>

#include "kernels/machine_memory.h"
#include "ops/engine_jobs.h"
#include "ops/refusing.h"
#include "ops/registering.h"
#include "ops/threads.h"

namespace tegnas {
namespace {

cpu::NtkOptions make_options(bool coupled, bool trace) {
  cpu::NtkOptions options;
  options.coupled = coupled;
  if (trace) options.outputs = cpu::OutputReduction::trace;
  options.workers = thread_count();
  return options;
}

template <typename T>
cpu::Images<T> as_images(const Tensor& tensor) {
  return {tensor.const_data_ptr<T>(), tensor.size(0)};
}

template <typename T>
void run_ntk(const Jobs& jobs, const Tensor& x, const Tensor& y, const cpu::NtkOptions& options,
             const std::array<double*, 3>& kernels, int64_t* distances) {
  const int64_t n = x.size(0), m = y.size(0);
  std::vector<cpu::NtkJob<T>> list;
  for (int64_t job = 0; job < jobs.count(); ++job) {
    list.push_back({&jobs.program(job), jobs.parameters<T>(job),
                    kernels[0] == nullptr ? nullptr : kernels[0] + job * n * n,
                    kernels[1] + job * n * n, m == 0 ? nullptr : kernels[2] + job * m * n, nullptr,
                    distances == nullptr ? nullptr : distances + job * n * n});
  }
  cpu::engine_ntk<T>(cpu::kernels(), list, as_images<T>(x), as_images<T>(y), options,
                     torch_parallel_for);
}

using NtkResults = std::tuple<Tensor, Tensor, Tensor, Tensor>;

NtkResults engine_ntk(const Tensor& code, const Tensor& code_offsets, const Tensor& job_programs,
                      const Tensor& params, const Tensor& job_params, const Tensor& x,
                      const Tensor& y, const std::string& batch_norm, const std::string& outputs,
                      const std::string& weights, bool distances) {
  const JobOperands operands{code, code_offsets, job_programs, params, job_params};
  check_operands(operands, x);
  check_batches(x, y);
  const bool coupled = is_coupled(batch_norm), trace = is_trace(outputs), wanted = is_all(weights);
  return refusing("engine", [&]() -> NtkResults {
    const int64_t count = job_programs.numel(), n = x.size(0), m = y.size(0);
    check_machine_has((Checked(2 * n) + m) * n * count * static_cast<int64_t>(sizeof(double)) +
                      Checked(distances ? n : 0) * n * count *
                          static_cast<int64_t>(sizeof(int64_t)));
    const Tensor all = zeros({wanted ? count : 0, n, n}, ScalarType::Double, x);
    const Tensor searched = zeros({count, n, n}, ScalarType::Double, x);
    const Tensor cross = zeros({count, m, n}, ScalarType::Double, x);
    const std::array<double*, 3> kernels = {wanted ? all.mutable_data_ptr<double>() : nullptr,
                                            searched.mutable_data_ptr<double>(),
                                            cross.mutable_data_ptr<double>()};
    const Tensor differing = zeros({distances ? count : 0, n, n}, ScalarType::Long, x);
    const auto finished = std::make_tuple(all, searched, cross, differing);
    TEGNAS_ON_CUDA(x, finished, engine_ntk(operands, x, y, coupled, trace, kernels, differing));
    const Jobs jobs = make_jobs(operands, x.sizes());
    const Tensor xs = packed(x), ys = packed(y);
    const cpu::NtkOptions options = make_options(coupled, trace);
    int64_t* to = distances ? differing.mutable_data_ptr<int64_t>() : nullptr;
    if (x.scalar_type() == ScalarType::Float) {
      run_ntk<float>(jobs, xs, ys, options, kernels, to);
    } else {
      run_ntk<double>(jobs, xs, ys, options, kernels, to);
    }
    return finished;
  });
}

// What runs over the patterns of jobs.
template <typename T>
struct PatternCall {
  std::vector<cpu::RegionsJob<T>> jobs;
  std::vector<cpu::Inputs<T>> sets;

  // sets (sets, M, C, H, W); job j has the set of number j mod sets.
  PatternCall(const Jobs& given, const Tensor& inputs, int64_t batch_size) {
    const Sizes sizes = inputs.sizes();
    // Sets that no job reads may be as many as an empty tensor claims.
    const int64_t read = std::min(sizes[0], given.count()), all = sizes[1];
    const int64_t size = (Checked(sizes[2]) * sizes[3] * sizes[4]).value();
    sets.resize(read);
    for (int64_t set = 0; set < read; ++set) {
      const T* from = inputs.const_data_ptr<T>() + set * all * size;
      for (int64_t first = 0; first < all; first += batch_size) {
        sets[set].push_back({from + first * size, std::min(batch_size, all - first)});
      }
    }
    for (int64_t job = 0; job < given.count(); ++job) {
      jobs.push_back({&given.program(job), given.parameters<T>(job), job % sizes[0]});
    }
  }
};

template <typename T>
void run_regions(const Jobs& jobs, const Tensor& sets, int64_t batch_size, int64_t* counts) {
  const PatternCall<T> call(jobs, sets, batch_size);
  const std::vector<int64_t> found = cpu::engine_regions<T>(cpu::kernels(), call.jobs, call.sets,
                                                            thread_count(), torch_parallel_for);
  std::copy(found.begin(), found.end(), counts);
}

template <typename T>
void run_distances(const Jobs& jobs, const Tensor& sets, int64_t batch_size, int64_t* distances) {
  const PatternCall<T> call(jobs, sets, batch_size);
  cpu::engine_pattern_distances<T>(cpu::kernels(), call.jobs, call.sets, thread_count(),
                                   torch_parallel_for, distances);
}

// The inputs as sets, once they and the jobs were checked.
Tensor checked_sets(const JobOperands& operands, const Tensor& inputs, int64_t batch_size) {
  const Tensor given = input_sets(inputs);
  check_operands(operands, torch::stable::select(given, 0, 0));
  TEGNAS_CHECK_VALUE(batch_size > 0, "engine: batch_size must be positive, got ", batch_size, ".");
  return given;
}

Tensor engine_regions(const Tensor& code, const Tensor& code_offsets, const Tensor& job_programs,
                      const Tensor& params, const Tensor& job_params, const Tensor& inputs,
                      int64_t batch_size) {
  const JobOperands operands{code, code_offsets, job_programs, params, job_params};
  const Tensor given = checked_sets(operands, inputs, batch_size);
  return refusing("engine", [&] {
    const Tensor counts = zeros({job_programs.numel()}, ScalarType::Long, given);
    TEGNAS_ON_CUDA(given, counts, engine_regions(operands, given, batch_size, counts));
    const Tensor sets = packed(given);
    const Jobs jobs = make_jobs(operands, sets.sizes().slice(1));
    int64_t* to = counts.mutable_data_ptr<int64_t>();
    sets.scalar_type() == ScalarType::Float ? run_regions<float>(jobs, sets, batch_size, to)
                                            : run_regions<double>(jobs, sets, batch_size, to);
    return counts;
  });
}

Tensor engine_pattern_distances(const Tensor& code, const Tensor& code_offsets,
                                const Tensor& job_programs, const Tensor& params,
                                const Tensor& job_params, const Tensor& inputs,
                                int64_t batch_size) {
  const JobOperands operands{code, code_offsets, job_programs, params, job_params};
  const Tensor given = checked_sets(operands, inputs, batch_size);
  return refusing("engine", [&] {
    const int64_t count = job_programs.numel(), images = given.size(1);
    check_machine_has(Checked(images) * images * count * static_cast<int64_t>(sizeof(int64_t)));
    const Tensor distances = zeros({count, images, images}, ScalarType::Long, given);
    TEGNAS_ON_CUDA(given, distances,
                   engine_pattern_distances(operands, given, batch_size, distances));
    const Tensor sets = packed(given);
    const Jobs jobs = make_jobs(operands, sets.sizes().slice(1));
    int64_t* to = distances.mutable_data_ptr<int64_t>();
    sets.scalar_type() == ScalarType::Float ? run_distances<float>(jobs, sets, batch_size, to)
                                            : run_distances<double>(jobs, sets, batch_size, to);
    return distances;
  });
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(tegnas, m) {
  m.def(
      "engine_ntk(Tensor code, Tensor code_offsets, Tensor job_programs, Tensor params, Tensor "
      "job_params, Tensor x, Tensor y, str batch_norm, str outputs, str weights, bool distances) "
      "-> (Tensor, Tensor, Tensor, Tensor)");
  m.def(
      "engine_regions(Tensor code, Tensor code_offsets, Tensor job_programs, Tensor params, Tensor "
      "job_params, Tensor inputs, int batch_size) -> Tensor");
  m.def(
      "engine_pattern_distances(Tensor code, Tensor code_offsets, Tensor job_programs, Tensor "
      "params, Tensor job_params, Tensor inputs, int batch_size) -> Tensor");
}
TEGNAS_IMPLEMENT(engine_ntk)
TEGNAS_IMPLEMENT(engine_regions)
TEGNAS_IMPLEMENT(engine_pattern_distances)

}  // namespace tegnas
