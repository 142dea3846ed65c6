// The native engine: kernels and region counts of many programs, each with parameters of its own.

#include "kernels/cpu/engine/engine.h"

#include <torch/library.h>

#include <algorithm>
#include <vector>

#include "kernels/machine_memory.h"
#include "ops/engine_jobs.h"
#include "ops/refusing.h"
#include "ops/threads.h"

namespace tegnas {
namespace {

cpu::NtkOptions make_options(c10::string_view batch_norm, c10::string_view outputs) {
  cpu::NtkOptions options;
  options.coupled = is_coupled(batch_norm);
  if (is_trace(outputs)) options.outputs = cpu::OutputReduction::trace;
  options.workers = thread_count();
  return options;
}

template <typename T>
cpu::Images<T> as_images(const at::Tensor& tensor) {
  return {tensor.const_data_ptr<T>(), tensor.size(0)};
}

template <typename T>
void run_ntk(const Jobs& jobs, const at::Tensor& x, const at::Tensor& y,
             const cpu::NtkOptions& options, const std::vector<at::Tensor>& kernels) {
  const int64_t n = x.size(0), m = y.size(0);
  std::vector<cpu::NtkJob<T>> list;
  for (int64_t job = 0; job < jobs.count(); ++job) {
    list.push_back({&jobs.program(job), jobs.parameters<T>(job),
                    kernels[0].size(0) == 0 ? nullptr : kernels[0].data_ptr<double>() + job * n * n,
                    kernels[1].data_ptr<double>() + job * n * n,
                    m == 0 ? nullptr : kernels[2].data_ptr<double>() + job * m * n, nullptr});
  }
  cpu::engine_ntk<T>(cpu::kernels(), list, as_images<T>(x), as_images<T>(y), options,
                     torch_parallel_for);
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> engine_ntk(
    const at::Tensor& code, const at::Tensor& code_offsets, const at::Tensor& job_programs,
    const at::Tensor& params, const at::Tensor& job_params, const at::Tensor& x,
    const at::Tensor& y, c10::string_view batch_norm, c10::string_view outputs,
    c10::string_view weights) {
  const Jobs jobs = make_jobs(code, code_offsets, job_programs, params, job_params, x);
  check_batches(x, y);
  const int64_t n = x.size(0), m = y.size(0), all = is_all(weights) ? jobs.count() : 0;
  const auto float64 = x.options().dtype(at::kDouble);
  const cpu::NtkOptions options = make_options(batch_norm, outputs);
  const at::Tensor xs = x.contiguous(), ys = y.contiguous();
  return refusing("engine", [&] {
    check_machine_has((Checked(2 * n) + m) * n * jobs.count() *
                      static_cast<int64_t>(sizeof(double)));
    const std::vector<at::Tensor> kernels = {at::zeros({all, n, n}, float64),
                                             at::zeros({jobs.count(), n, n}, float64),
                                             at::zeros({jobs.count(), m, n}, float64)};
    if (x.scalar_type() == at::kFloat) {
      run_ntk<float>(jobs, xs, ys, options, kernels);
    } else {
      run_ntk<double>(jobs, xs, ys, options, kernels);
    }
    return std::make_tuple(kernels[0], kernels[1], kernels[2]);
  });
}

// sets (sets, M, C, H, W)
template <typename T>
std::vector<int64_t> run_regions(const Jobs& jobs, const at::Tensor& sets, int64_t batch_size) {
  // Sets that no job reads may be as many as an empty tensor claims.
  const int64_t read = std::min(sets.size(0), jobs.count()), all = sets.size(1);
  const int64_t size = sets.size(2) * sets.size(3) * sets.size(4);
  std::vector<cpu::Inputs<T>> inputs(read);
  for (int64_t set = 0; set < read; ++set) {
    const T* from = sets.const_data_ptr<T>() + set * all * size;
    for (int64_t first = 0; first < all; first += batch_size) {
      inputs[set].push_back({from + first * size, std::min(batch_size, all - first)});
    }
  }
  std::vector<cpu::RegionsJob<T>> list;
  for (int64_t job = 0; job < jobs.count(); ++job) {
    list.push_back({&jobs.program(job), jobs.parameters<T>(job), job % sets.size(0)});
  }
  return cpu::engine_regions<T>(cpu::kernels(), list, inputs, thread_count(), torch_parallel_for);
}

at::Tensor engine_regions(const at::Tensor& code, const at::Tensor& code_offsets,
                          const at::Tensor& job_programs, const at::Tensor& params,
                          const at::Tensor& job_params, const at::Tensor& inputs,
                          int64_t batch_size) {
  const at::Tensor sets = input_sets(inputs).contiguous();
  const Jobs jobs = make_jobs(code, code_offsets, job_programs, params, job_params, sets[0]);
  TORCH_CHECK_VALUE(batch_size > 0, "engine: batch_size must be positive, got ", batch_size, ".");
  at::Tensor counts = at::zeros({jobs.count()}, at::kLong);
  refusing("engine", [&] {
    const std::vector<int64_t> found = sets.scalar_type() == at::kFloat
                                           ? run_regions<float>(jobs, sets, batch_size)
                                           : run_regions<double>(jobs, sets, batch_size);
    std::copy(found.begin(), found.end(), counts.mutable_data_ptr<int64_t>());
  });
  return counts;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(tegnas, m) {
  m.def(
      "engine_ntk(Tensor code, Tensor code_offsets, Tensor job_programs, Tensor params, Tensor "
      "job_params, Tensor x, Tensor y, str batch_norm, str outputs, str weights) -> (Tensor, "
      "Tensor, Tensor)");
  m.def(
      "engine_regions(Tensor code, Tensor code_offsets, Tensor job_programs, Tensor params, Tensor "
      "job_params, Tensor inputs, int batch_size) -> Tensor");
}

TORCH_LIBRARY_IMPL(tegnas, CPU, m) {
  m.impl("engine_ntk", &engine_ntk);
  m.impl("engine_regions", &engine_regions);
}

}  // namespace tegnas
