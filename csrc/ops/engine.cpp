// The native engine: kernels and region counts of many programs, each with parameters of its own.

#include "kernels/cpu/engine/engine.h"

#include <ATen/ATen.h>
#include <torch/library.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "ops/threads.h"

namespace tegnas {
namespace {

// The programs of a call, and for each job which one it runs and where its parameters begin.
struct Jobs {
  std::vector<engine::Program> programs;
  at::Tensor job_programs, params, job_params;

  int64_t count() const { return job_programs.numel(); }
  const engine::Program& program(int64_t job) const {
    return programs[job_programs.const_data_ptr<int64_t>()[job]];
  }
  template <typename T>
  const T* parameters(int64_t job) const {
    return params.const_data_ptr<T>() + job_params.const_data_ptr<int64_t>()[job];
  }
};

void check_index(const at::Tensor& tensor, const char* name) {
  TORCH_CHECK_TYPE(tensor.scalar_type() == at::kLong && tensor.dim() == 1, "engine: ", name,
                   " must be int64 of one dimension, got ", tensor.scalar_type(), " of shape ",
                   tensor.sizes(), ".");
}

std::vector<engine::Program> parse_programs(const at::Tensor& code, const at::Tensor& offsets) {
  check_index(code, "code");
  check_index(offsets, "code_offsets");
  const at::Tensor words = code.contiguous(), starts = offsets.contiguous();
  const int64_t* start = starts.const_data_ptr<int64_t>();
  std::vector<engine::Program> programs;
  for (int64_t p = 0; p + 1 < starts.numel(); ++p) {
    TORCH_CHECK_VALUE(0 <= start[p] && start[p] <= start[p + 1] && start[p + 1] <= words.numel(),
                      "engine: code_offsets must rise from 0 to the length of the code.");
    try {
      programs.push_back(engine::parse_program(words.const_data_ptr<int64_t>() + start[p],
                                               start[p + 1] - start[p]));
    } catch (const std::invalid_argument& error) {
      TORCH_CHECK_VALUE(false, "engine: program ", p, ": ", error.what());
    }
  }
  return programs;
}

Jobs make_jobs(const at::Tensor& code, const at::Tensor& code_offsets,
               const at::Tensor& job_programs, const at::Tensor& params,
               const at::Tensor& job_params, const at::Tensor& images) {
  check_index(job_programs, "job_programs");
  check_index(job_params, "job_params");
  TORCH_CHECK_TYPE((params.scalar_type() == at::kFloat || params.scalar_type() == at::kDouble) &&
                       images.scalar_type() == params.scalar_type(),
                   "engine: parameters and images must be both float32 or both float64, got ",
                   params.scalar_type(), " and ", images.scalar_type(), ".");
  TORCH_CHECK_VALUE(images.dim() == 4, "engine: images must be (N, C, H, W), got ", images.sizes(),
                    ".");
  TORCH_CHECK_VALUE(params.dim() == 1 && job_programs.numel() == job_params.numel(),
                    "engine: parameters must be one vector, and every job needs a program and an "
                    "offset into it.");
  Jobs jobs{parse_programs(code, code_offsets), job_programs.contiguous(), params.contiguous(),
            job_params.contiguous()};
  for (int64_t job = 0; job < jobs.count(); ++job) {
    const int64_t index = jobs.job_programs.const_data_ptr<int64_t>()[job];
    TORCH_CHECK_VALUE(0 <= index && index < static_cast<int64_t>(jobs.programs.size()),
                      "engine: job ", job, " names program ", index, " of ", jobs.programs.size(),
                      ".");
    const engine::Program& program = jobs.programs[index];
    const int64_t offset = jobs.job_params.const_data_ptr<int64_t>()[job];
    TORCH_CHECK_VALUE(0 <= offset && offset + program.parameters <= params.numel(), "engine: job ",
                      job, " reads ", program.parameters, " parameters from ", offset, " of ",
                      params.numel(), ".");
    const engine::Shape& shape = program.shapes[0];
    TORCH_CHECK_VALUE(
        images.size(1) == shape.c && images.size(2) == shape.h && images.size(3) == shape.w,
        "engine: job ", job, " is a program for images of ", shape.c, "×", shape.h, "×", shape.w,
        ", got ", images.sizes(), ".");
  }
  return jobs;
}

cpu::NtkOptions make_options(c10::string_view batch_norm, c10::string_view outputs) {
  TORCH_CHECK_VALUE(batch_norm == "frozen" || batch_norm == "coupled",
                    "engine: batch_norm is frozen or coupled, got ", batch_norm, ".");
  TORCH_CHECK_VALUE(outputs == "sum" || outputs == "trace", "engine: outputs is sum or trace, got ",
                    outputs, ".");
  cpu::NtkOptions options;
  options.batch_norm =
      batch_norm == "frozen" ? cpu::NormDerivative::frozen : cpu::NormDerivative::coupled;
  options.outputs = outputs == "sum" ? cpu::OutputReduction::sum : cpu::OutputReduction::trace;
  options.workers = at::get_num_threads();
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
                    kernels[0].data_ptr<double>() + job * n * n,
                    kernels[1].data_ptr<double>() + job * n * n,
                    m == 0 ? nullptr : kernels[2].data_ptr<double>() + job * m * n, nullptr});
  }
  cpu::engine_ntk<T>(cpu::kernels(), list, as_images<T>(x), as_images<T>(y), options,
                     torch_parallel_for);
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> engine_ntk(
    const at::Tensor& code, const at::Tensor& code_offsets, const at::Tensor& job_programs,
    const at::Tensor& params, const at::Tensor& job_params, const at::Tensor& x,
    const at::Tensor& y, c10::string_view batch_norm, c10::string_view outputs) {
  const Jobs jobs = make_jobs(code, code_offsets, job_programs, params, job_params, x);
  TORCH_CHECK_VALUE(y.dim() == 4 && y.sizes().slice(1) == x.sizes().slice(1) &&
                        y.scalar_type() == x.scalar_type(),
                    "engine: both batches must be images of one shape and dtype, got ", x.sizes(),
                    " and ", y.sizes(), ".");
  const int64_t n = x.size(0), m = y.size(0);
  const auto float64 = x.options().dtype(at::kDouble);
  const std::vector<at::Tensor> kernels = {at::zeros({jobs.count(), n, n}, float64),
                                           at::zeros({jobs.count(), n, n}, float64),
                                           at::zeros({jobs.count(), m, n}, float64)};
  const cpu::NtkOptions options = make_options(batch_norm, outputs);
  const at::Tensor xs = x.contiguous(), ys = y.contiguous();
  try {
    if (x.scalar_type() == at::kFloat) {
      run_ntk<float>(jobs, xs, ys, options, kernels);
    } else {
      run_ntk<double>(jobs, xs, ys, options, kernels);
    }
  } catch (const std::invalid_argument& error) {
    TORCH_CHECK_VALUE(false, "engine: ", error.what());
  }
  return {kernels[0], kernels[1], kernels[2]};
}

template <typename T>
std::vector<int64_t> run_regions(const Jobs& jobs, const at::Tensor& inputs, int64_t batch_size) {
  std::vector<cpu::RegionsJob<T>> list;
  for (int64_t job = 0; job < jobs.count(); ++job) {
    list.push_back({&jobs.program(job), jobs.parameters<T>(job)});
  }
  std::vector<cpu::Images<T>> batches;
  const int64_t size = inputs.numel() / std::max<int64_t>(inputs.size(0), 1);
  for (int64_t first = 0; first < inputs.size(0); first += batch_size) {
    batches.push_back(
        {inputs.const_data_ptr<T>() + first * size, std::min(batch_size, inputs.size(0) - first)});
  }
  return cpu::engine_regions<T>(cpu::kernels(), list, batches, at::get_num_threads(),
                                torch_parallel_for);
}

at::Tensor engine_regions(const at::Tensor& code, const at::Tensor& code_offsets,
                          const at::Tensor& job_programs, const at::Tensor& params,
                          const at::Tensor& job_params, const at::Tensor& inputs,
                          int64_t batch_size) {
  const Jobs jobs = make_jobs(code, code_offsets, job_programs, params, job_params, inputs);
  TORCH_CHECK_VALUE(batch_size > 0, "engine: batch_size must be positive, got ", batch_size, ".");
  const at::Tensor data = inputs.contiguous();
  std::vector<int64_t> counts;
  try {
    counts = inputs.scalar_type() == at::kFloat ? run_regions<float>(jobs, data, batch_size)
                                                : run_regions<double>(jobs, data, batch_size);
  } catch (const std::invalid_argument& error) {
    TORCH_CHECK_VALUE(false, "engine: ", error.what());
  }
  return at::tensor(counts, at::kLong);
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(tegnas, m) {
  m.def(
      "engine_ntk(Tensor code, Tensor code_offsets, Tensor job_programs, Tensor params, Tensor "
      "job_params, Tensor x, Tensor y, str batch_norm, str outputs) -> (Tensor, Tensor, Tensor)");
  m.def(
      "engine_regions(Tensor code, Tensor code_offsets, Tensor job_programs, Tensor params, Tensor "
      "job_params, Tensor inputs, int batch_size) -> Tensor");
}

TORCH_LIBRARY_IMPL(tegnas, CPU, m) {
  m.impl("engine_ntk", &engine_ntk);
  m.impl("engine_regions", &engine_regions);
}

}  // namespace tegnas
