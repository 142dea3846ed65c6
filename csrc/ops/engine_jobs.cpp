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

void check_images(const at::Tensor& images) {
  TORCH_CHECK_VALUE(images.dim() == 4, "engine: images must be (N, C, H, W), got ", images.sizes(),
                    ".");
  TORCH_CHECK_VALUE(images.size(0) <= engine::kMostImages,
                    "engine: at most 2^24 images at once, got ", images.size(0), ".");
}

}  // namespace

std::vector<engine::Program> parse_programs(const at::Tensor& code, const at::Tensor& offsets) {
  check_index(code, "code");
  check_index(offsets, "code_offsets");
  const at::Tensor words = code.contiguous(), starts = offsets.contiguous();
  const int64_t* start = starts.const_data_ptr<int64_t>();
  const int64_t* word = words.const_data_ptr<int64_t>();
  const int64_t count = std::max<int64_t>(starts.numel() - 1, 0);
  for (int64_t p = 0; p < count; ++p) {
    TORCH_CHECK_VALUE(0 <= start[p] && start[p] <= start[p + 1] && start[p + 1] <= words.numel(),
                      "engine: code_offsets must rise from 0 to the length of the code.");
  }
  std::vector<engine::Program> programs(count);
  std::vector<std::string> errors(count);
  torch_parallel_for(count, [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      try {
        programs[p] = engine::parse_program(word + start[p], start[p + 1] - start[p]);
      } catch (const std::invalid_argument& error) {
        errors[p] = error.what();
      } catch (const std::bad_alloc&) {
        errors[p] = "there is not enough memory for it.";
      }
    }
  });
  for (int64_t p = 0; p < count; ++p) {
    TORCH_CHECK_VALUE(errors[p].empty(), "engine: program ", p, ": ", errors[p]);
  }
  return programs;
}

std::vector<grouped::Tasks> emit_all_tasks(const std::vector<engine::Program>& programs,
                                           grouped::Purpose purpose) {
  std::vector<grouped::Tasks> tasks(programs.size());
  refusing("engine", [&] {
    torch_parallel_for(static_cast<int64_t>(programs.size()), [&](int64_t begin, int64_t end) {
      for (int64_t p = begin; p < end; ++p) tasks[p] = grouped::emit_tasks(programs[p], purpose);
    });
  });
  return tasks;
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
  check_images(images);
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
    TORCH_CHECK_VALUE(
        0 <= offset && offset <= params.numel() && program.parameters <= params.numel() - offset,
        "engine: job ", job, " reads ", program.parameters, " parameters from ", offset, " of ",
        params.numel(), ".");
    const engine::Shape& shape = program.shapes[0];
    TORCH_CHECK_VALUE(
        images.size(1) == shape.c && images.size(2) == shape.h && images.size(3) == shape.w,
        "engine: job ", job, " is a program for images of ", shape.c, "×", shape.h, "×", shape.w,
        ", got ", images.sizes(), ".");
  }
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

}  // namespace tegnas
