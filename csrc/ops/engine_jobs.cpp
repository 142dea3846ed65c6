#include "ops/engine_jobs.h"

#include <algorithm>
#include <new>
#include <stdexcept>
#include <string>

#include "ops/refusing.h"
#include "ops/threads.h"

namespace tegnas {
namespace {

void check_index(const Tensor& tensor, const char* name) {
  TEGNAS_CHECK_VALUE(tensor.is_cpu(), "engine: ", name, " must be on the CPU, got ",
                     device_text(tensor), ".");
  TEGNAS_CHECK_TYPE(dtype_of(tensor) == ScalarType::Long && tensor.dim() == 1, "engine: ", name,
                    " must be int64 of one dimension, got ", dtype_of(tensor), " of shape ",
                    tensor.sizes(), ".");
}

int64_t program_count(Words offsets) { return std::max<int64_t>(offsets.count - 1, 0); }

void check_images(const Tensor& images) {
  TEGNAS_CHECK_VALUE(images.dim() == 4, "engine: images must be (N, C, H, W), got ", images.sizes(),
                     ".");
  TEGNAS_CHECK_VALUE(images.size(0) <= engine::kMostImages,
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
void for_programs(Words code, Words offsets, const Body& body) {
  const int64_t *start = offsets.data, *word = code.data;
  const int64_t count = program_count(offsets);
  for (int64_t p = 0; p < count; ++p) {
    TEGNAS_CHECK_VALUE(0 <= start[p] && start[p] <= start[p + 1] && start[p + 1] <= code.count,
                       "engine: code_offsets must rise from 0 to the length of the code.");
  }
  std::vector<std::string> errors(count);
  torch_parallel_for(count, [&](int64_t begin, int64_t end) {
    Kept<Scratch> scratch;
    for (int64_t p = begin; p < end; ++p) {
      try {
        body(word + start[p], start[p + 1] - start[p], p, *scratch);
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
    TEGNAS_CHECK_VALUE(errors[p].empty(), "engine: program ", p, ": ", errors[p]);
  }
}

// Of more programs the memory isn't kept.
constexpr size_t kMostKept = 2048;

// A program that is read only to be written as tasks.
struct Writing {
  engine::Program program;
  cuda::grouped::Scratch scratch;
};

Kept<std::vector<cuda::grouped::Tasks>> make_tasks(Words code, Words offsets,
                                                   engine::Purpose purpose,
                                                   std::vector<Asks>& asks) {
  Kept<std::vector<cuda::grouped::Tasks>> tasks;
  tasks->resize(program_count(offsets));
  if (tasks->size() > kMostKept) tasks.forget();
  asks.resize(tasks->size());
  for_programs<Writing>(
      code, offsets, [&](const int64_t* words, int64_t count, int64_t p, Writing& writing) {
        engine::parse_program(words, count, writing.program);
        asks[p] = Asks(writing.program);
        cuda::grouped::emit_tasks(writing.program, purpose, writing.scratch, (*tasks)[p]);
      });
  return tasks;
}

// `asks`: of each program, in their order.
void check_jobs(const JobTable& jobs, const std::vector<Asks>& asks, int64_t length, Sizes images) {
  const engine::Shape given{images[1], images[2], images[3]};
  for (int64_t job = 0; job < jobs.count(); ++job) {
    const int64_t index = jobs.program_number(job), offset = jobs.offset(job);
    TEGNAS_CHECK_VALUE(0 <= index && index < static_cast<int64_t>(asks.size()), "engine: job ", job,
                       " names program ", index, " of ", asks.size(), ".");
    const Asks& program = asks[index];
    TEGNAS_CHECK_VALUE(0 <= offset && offset <= length && program.parameters <= length - offset,
                       "engine: job ", job, " reads ", program.parameters, " parameters from ",
                       offset, " of ", length, ".");
    const engine::Shape& shape = program.images;
    TEGNAS_CHECK_VALUE(given == shape, "engine: job ", job, " is a program for images of ", shape.c,
                       "×", shape.h, "×", shape.w, ", got ", images, ".");
  }
}

// Words that stay for as long as this does.
class HeldWords {
 public:
  explicit HeldWords(const Tensor& tensor) : tensor_(packed(tensor)) {}

  operator Words() const { return {tensor_.const_data_ptr<int64_t>(), tensor_.numel()}; }

 private:
  Tensor tensor_;
};

}  // namespace

JobTable::JobTable(const JobOperands& operands)
    : job_programs_(packed(operands.job_programs)),
      params_(packed(operands.params)),
      job_params_(packed(operands.job_params)),
      count_(job_programs_.numel()),
      numbers_(job_programs_.const_data_ptr<int64_t>()),
      offsets_(job_params_.const_data_ptr<int64_t>()),
      values_(params_.const_data_ptr()) {}

Kept<std::vector<cuda::grouped::Tasks>> make_tasks(Words code, Words offsets,
                                                   engine::Purpose purpose) {
  std::vector<Asks> asks;
  return make_tasks(code, offsets, purpose, asks);
}

void copy_tasks(const std::vector<cuda::grouped::Tasks>& programs,
                const std::vector<int64_t>& first, cuda::grouped::Task* to) {
  torch_parallel_for(static_cast<int64_t>(programs.size()), [&](int64_t begin, int64_t end) {
    for (int64_t p = begin; p < end; ++p) {
      std::copy(programs[p].list.begin(), programs[p].list.end(), to + first[p]);
    }
  });
}

void check_operands(const JobOperands& operands, const Tensor& images) {
  check_index(operands.job_programs, "job_programs");
  check_index(operands.job_params, "job_params");
  const ScalarType parameters = dtype_of(operands.params), given = dtype_of(images);
  TEGNAS_CHECK_TYPE(
      (parameters == ScalarType::Float || parameters == ScalarType::Double) && given == parameters,
      "engine: parameters and images must be both float32 or both float64, got ", parameters,
      " and ", given, ".");
  check_images(images);
  TEGNAS_CHECK_VALUE(
      operands.params.dim() == 1 && operands.job_programs.numel() == operands.job_params.numel(),
      "engine: parameters must be one vector, and every job needs a program and an "
      "offset into it.");
  check_same_device("engine", operands.params, images);
  check_index(operands.code, "code");
  check_index(operands.code_offsets, "code_offsets");
}

Jobs make_jobs(const JobOperands& operands, Sizes images) {
  const HeldWords code(operands.code), offsets(operands.code_offsets);
  Jobs jobs{JobTable(operands), std::vector<engine::Program>(program_count(offsets))};
  struct Nothing {};
  for_programs<Nothing>(code, offsets,
                        [&](const int64_t* words, int64_t count, int64_t p, Nothing&) {
                          engine::parse_program(words, count, jobs.programs[p]);
                        });
  check_jobs(jobs, {jobs.programs.begin(), jobs.programs.end()}, operands.params.numel(), images);
  return jobs;
}

GroupedJobs make_grouped_jobs(const JobOperands& operands, Sizes images, engine::Purpose purpose) {
  const HeldWords code(operands.code), offsets(operands.code_offsets);
  std::vector<Asks> asks;
  GroupedJobs jobs{JobTable(operands), make_tasks(code, offsets, purpose, asks)};
  check_jobs(jobs, asks, operands.params.numel(), images);
  return jobs;
}

Tensor input_sets(const Tensor& inputs) {
  TEGNAS_CHECK_VALUE(inputs.dim() == 4 || (inputs.dim() == 5 && inputs.size(0) > 0),
                     "engine: inputs must be (M, C, H, W), or sets of them (S, M, C, H, W), got ",
                     inputs.sizes(), ".");
  check_extent("engine", inputs);
  return inputs.dim() == 4 ? torch::stable::unsqueeze(inputs, 0) : inputs;
}

void check_batches(const Tensor& x, const Tensor& y) {
  check_images(y);
  TEGNAS_CHECK_VALUE(y.sizes().slice(1) == x.sizes().slice(1) && dtype_of(y) == dtype_of(x),
                     "engine: both batches must be images of one shape and dtype, got ", x.sizes(),
                     " and ", y.sizes(), ".");
}

bool is_coupled(const std::string& batch_norm) {
  TEGNAS_CHECK_VALUE(batch_norm == "frozen" || batch_norm == "coupled",
                     "engine: batch_norm is frozen or coupled, got ", batch_norm, ".");
  return batch_norm == "coupled";
}

bool is_trace(const std::string& outputs) {
  TEGNAS_CHECK_VALUE(outputs == "sum" || outputs == "trace",
                     "engine: outputs is sum or trace, got ", outputs, ".");
  return outputs == "trace";
}

bool is_all(const std::string& weights) {
  TEGNAS_CHECK_VALUE(weights == "all" || weights == "searched",
                     "engine: weights is all or searched, got ", weights, ".");
  return weights == "all";
}

}  // namespace tegnas
