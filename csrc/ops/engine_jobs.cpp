#include "ops/engine_jobs.h"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <string>

#include "ops/refusing.h"
#include "ops/threads.h"

namespace tegnas {
namespace {

void check_index(const at::Tensor& tensor, const char* name) {
  TORCH_CHECK_VALUE(tensor.device().is_cpu(), "engine: ", name, " must be on the CPU, got ",
                    tensor.device(), ".");
  TORCH_CHECK_TYPE(tensor.scalar_type() == at::kLong && tensor.dim() == 1, "engine: ", name,
                   " must be int64 of one dimension, got ", tensor.scalar_type(), " of shape ",
                   tensor.sizes(), ".");
}

int64_t program_count(const at::Tensor& offsets) {
  return std::max<int64_t>(offsets.numel() - 1, 0);
}

void check_images(const at::Tensor& images) {
  TORCH_CHECK_VALUE(images.dim() == 4, "engine: images must be (N, C, H, W), got ", images.sizes(),
                    ".");
  TORCH_CHECK_VALUE(images.size(0) <= engine::kMostImages,
                    "engine: at most 2^24 images at once, got ", images.size(0), ".");
}

// What the jobs of a program must fit.
struct Asks {
  engine::Shape images;
  int64_t parameters = 0;

  Asks() = default;
  explicit Asks(const engine::Program& program)
      : images(program.shapes[0]), parameters(program.parameters) {}
};

// Calls body(words, count, p, scratch) for every program p; the programs are shared out among
// threads, each of which has one `Scratch`. Raises ValueError in one sentence.
template <typename Scratch, typename Body>
void for_programs(const at::Tensor& code, const at::Tensor& offsets, const Body& body) {
  const at::Tensor words = code.contiguous(), starts = offsets.contiguous();
  const int64_t* start = starts.const_data_ptr<int64_t>();
  const int64_t* word = words.const_data_ptr<int64_t>();
  const int64_t count = program_count(offsets);
  for (int64_t p = 0; p < count; ++p) {
    TORCH_CHECK_VALUE(0 <= start[p] && start[p] <= start[p + 1] && start[p + 1] <= words.numel(),
                      "engine: code_offsets must rise from 0 to the length of the code.");
  }
  std::vector<std::string> errors(count);
  torch_parallel_for(count, [&](int64_t begin, int64_t end) {
    Scratch scratch;
    for (int64_t p = begin; p < end; ++p) {
      try {
        body(word + start[p], start[p + 1] - start[p], p, scratch);
      } catch (const std::invalid_argument& error) {
        errors[p] = error.what();
      } catch (const std::length_error&) {
        errors[p] = "there is not enough memory for it.";
      } catch (const std::bad_alloc&) {
        errors[p] = "there is not enough memory for it.";
      }
    }
  });
  for (int64_t p = 0; p < count; ++p) {
    TORCH_CHECK_VALUE(errors[p].empty(), "engine: program ", p, ": ", errors[p]);
  }
}

// A program that is read only to be written as tasks.
struct Writing {
  engine::Program program;
  cuda::grouped::Scratch scratch;
};

void check_codes(const at::Tensor& code, const at::Tensor& offsets) {
  check_index(code, "code");
  check_index(offsets, "code_offsets");
}

std::vector<cuda::grouped::Tasks> make_tasks(const at::Tensor& code, const at::Tensor& offsets,
                                             engine::Purpose purpose, std::vector<Asks>& asks) {
  check_codes(code, offsets);
  std::vector<cuda::grouped::Tasks> tasks(program_count(offsets));
  asks.resize(tasks.size());
  for_programs<Writing>(
      code, offsets, [&](const int64_t* words, int64_t count, int64_t p, Writing& writing) {
        engine::parse_program(words, count, writing.program);
        asks[p] = Asks(writing.program);
        cuda::grouped::emit_tasks(writing.program, purpose, writing.scratch, tasks[p]);
      });
  return tasks;
}

void check_operands(const at::Tensor& job_programs, const at::Tensor& params,
                    const at::Tensor& job_params, const at::Tensor& images) {
  check_index(job_programs, "job_programs");
  check_index(job_params, "job_params");
  TORCH_CHECK_TYPE((params.scalar_type() == at::kFloat || params.scalar_type() == at::kDouble) &&
                       images.scalar_type() == params.scalar_type(),
                   "engine: parameters and images must be both float32 or both float64, got ",
                   params.scalar_type(), " and ", images.scalar_type(), ".");
  check_images(images);
  TORCH_CHECK_VALUE(params.dim() == 1 && job_programs.numel() == job_params.numel(),
                    "engine: parameters must be one vector, and every job needs a program and an "
                    "offset into it.");
}

// `asks`: of each program, in their order.
void check_jobs(const JobTable& jobs, const std::vector<Asks>& asks, const at::Tensor& images) {
  const int64_t* programs = jobs.job_programs.const_data_ptr<int64_t>();
  const int64_t* offsets = jobs.job_params.const_data_ptr<int64_t>();
  const int64_t length = jobs.params.numel();
  const engine::Shape given{images.size(1), images.size(2), images.size(3)};
  for (int64_t job = 0; job < jobs.count(); ++job) {
    const int64_t index = programs[job], offset = offsets[job];
    TORCH_CHECK_VALUE(0 <= index && index < static_cast<int64_t>(asks.size()), "engine: job ", job,
                      " names program ", index, " of ", asks.size(), ".");
    const Asks& program = asks[index];
    TORCH_CHECK_VALUE(0 <= offset && offset <= length && program.parameters <= length - offset,
                      "engine: job ", job, " reads ", program.parameters, " parameters from ",
                      offset, " of ", length, ".");
    const engine::Shape& shape = program.images;
    TORCH_CHECK_VALUE(given == shape, "engine: job ", job, " is a program for images of ", shape.c,
                      "×", shape.h, "×", shape.w, ", got ", images.sizes(), ".");
  }
}

JobTable table_of(const at::Tensor& job_programs, const at::Tensor& params,
                  const at::Tensor& job_params) {
  return {job_programs.contiguous(), params.contiguous(), job_params.contiguous()};
}

}  // namespace

std::vector<cuda::grouped::Tasks> make_tasks(const at::Tensor& code, const at::Tensor& offsets,
                                             engine::Purpose purpose) {
  std::vector<Asks> asks;
  return make_tasks(code, offsets, purpose, asks);
}

void copy_tasks(const std::vector<cuda::grouped::Tasks>& programs,
                const std::vector<int64_t>& first, cuda::grouped::Task* to) {
  torch_parallel_for(static_cast<int64_t>(programs.size()), [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) cuda::grouped::copy_tasks(programs[p], to + first[p]);
  });
}

Jobs make_jobs(const at::Tensor& code, const at::Tensor& code_offsets,
               const at::Tensor& job_programs, const at::Tensor& params,
               const at::Tensor& job_params, const at::Tensor& images) {
  check_operands(job_programs, params, job_params, images);
  check_codes(code, code_offsets);
  Jobs jobs{table_of(job_programs, params, job_params),
            std::vector<engine::Program>(program_count(code_offsets))};
  struct Nothing {};
  for_programs<Nothing>(code, code_offsets,
                        [&](const int64_t* words, int64_t count, int64_t p, Nothing&) {
                          engine::parse_program(words, count, jobs.programs[p]);
                        });
  check_jobs(jobs, {jobs.programs.begin(), jobs.programs.end()}, images);
  return jobs;
}

GroupedJobs make_grouped_jobs(const at::Tensor& code, const at::Tensor& code_offsets,
                              const at::Tensor& job_programs, const at::Tensor& params,
                              const at::Tensor& job_params, const at::Tensor& images,
                              engine::Purpose purpose) {
  check_operands(job_programs, params, job_params, images);
  std::vector<Asks> asks;
  GroupedJobs jobs{table_of(job_programs, params, job_params),
                   make_tasks(code, code_offsets, purpose, asks)};
  check_jobs(jobs, asks, images);
  return jobs;
}

at::Tensor input_sets(const at::Tensor& inputs) {
  TORCH_CHECK_VALUE(inputs.dim() == 4 || (inputs.dim() == 5 && inputs.size(0) > 0),
                    "engine: inputs must be (M, C, H, W), or sets of them (S, M, C, H, W), got ",
                    inputs.sizes(), ".");
  check_extent("engine", inputs);
  return inputs.dim() == 4 ? inputs.unsqueeze(0) : inputs;
}

void check_batches(const at::Tensor& x, const at::Tensor& y) {
  check_images(y);
  TORCH_CHECK_VALUE(y.sizes().slice(1) == x.sizes().slice(1) && y.scalar_type() == x.scalar_type(),
                    "engine: both batches must be images of one shape and dtype, got ", x.sizes(),
                    " and ", y.sizes(), ".");
}

bool is_coupled(c10::string_view batch_norm) {
  TORCH_CHECK_VALUE(batch_norm == "frozen" || batch_norm == "coupled",
                    "engine: batch_norm is frozen or coupled, got ", batch_norm, ".");
  return batch_norm == "coupled";
}

bool is_trace(c10::string_view outputs) {
  TORCH_CHECK_VALUE(outputs == "sum" || outputs == "trace", "engine: outputs is sum or trace, got ",
                    outputs, ".");
  return outputs == "trace";
}

bool is_all(c10::string_view weights) {
  TORCH_CHECK_VALUE(weights == "all" || weights == "body", "engine: weights is all or body, got ",
                    weights, ".");
  return weights == "all";
}

}  // namespace tegnas
