// Checks the operands of the engine's operators and describes them to it, on whatever device.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "kernels/cuda/grouped/emit.h"
#include "kernels/program/program.h"

namespace tegnas {

// For each job of a call which program it runs and where its parameters begin.
struct JobTable {
  at::Tensor job_programs, params, job_params;

  int64_t count() const { return job_programs.numel(); }
  int64_t program_number(int64_t job) const { return job_programs.const_data_ptr<int64_t>()[job]; }
  template <typename T>
  const T* parameters(int64_t job) const {
    return params.const_data_ptr<T>() + job_params.const_data_ptr<int64_t>()[job];
  }
};

struct Jobs : JobTable {
  std::vector<engine::Program> programs;

  const engine::Program& program(int64_t job) const { return programs[program_number(job)]; }
};

// The same with the tasks of each program.
struct GroupedJobs : JobTable {
  std::vector<cuda::grouped::Tasks> programs;
};

// Raises ValueError or TypeError, in one sentence, where the operands don't fit. Programs and the
// places of parameters are read here, so they must be on the CPU.
Jobs make_jobs(const at::Tensor& code, const at::Tensor& code_offsets,
               const at::Tensor& job_programs, const at::Tensor& params,
               const at::Tensor& job_params, const at::Tensor& images);
GroupedJobs make_grouped_jobs(const at::Tensor& code, const at::Tensor& code_offsets,
                              const at::Tensor& job_programs, const at::Tensor& params,
                              const at::Tensor& job_params, const at::Tensor& images,
                              engine::Purpose purpose);

// The tasks of the programs of a call, from their words one after the other. Raises ValueError in
// one sentence.
std::vector<cuda::grouped::Tasks> make_tasks(const at::Tensor& code, const at::Tensor& offsets,
                                             engine::Purpose purpose);

// The tasks of all programs one after the other, to the place where they are wanted; `first` says
// where each program's begin.
void copy_tasks(const std::vector<cuda::grouped::Tasks>& programs,
                const std::vector<int64_t>& first, cuda::grouped::Task* to);

// Inputs of region counts as sets (sets, M, C, H, W), of which there is at least one; (M, C, H, W)
// is a single one. Job j reads set j mod sets.
at::Tensor input_sets(const at::Tensor& inputs);

// The second batch must be like the first.
void check_batches(const at::Tensor& x, const at::Tensor& y);

// Whether "coupled" is meant, and not "frozen"; whether "trace" is, and not "sum".
bool is_coupled(c10::string_view batch_norm);
bool is_trace(c10::string_view outputs);
// Whether "all" weights are meant, and not those of the "body" alone.
bool is_all(c10::string_view weights);

}  // namespace tegnas
