// Checks the operands of the engine's operators and describes them to it, on whatever device.
#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "kernels/engine/program.h"
#include "kernels/grouped/emit.h"

namespace tegnas {

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

// The programs of a call from their words, one after the other. Raises ValueError in one sentence.
std::vector<engine::Program> parse_programs(const at::Tensor& code, const at::Tensor& offsets);

// The tasks of each program. Raises ValueError in one sentence.
std::vector<grouped::Tasks> emit_all_tasks(const std::vector<engine::Program>& programs,
                                           grouped::Purpose purpose);

// Raises ValueError or TypeError, in one sentence, where the operands don't fit. Programs and the
// places of parameters are read here, so they must be on the CPU.
Jobs make_jobs(const at::Tensor& code, const at::Tensor& code_offsets,
               const at::Tensor& job_programs, const at::Tensor& params,
               const at::Tensor& job_params, const at::Tensor& images);

// Inputs of region counts as sets (sets, M, C, H, W), of which there is at least one; (M, C, H, W)
// is a single one. Job j reads set j mod sets.
at::Tensor input_sets(const at::Tensor& inputs);

// The second batch must be like the first.
void check_batches(const at::Tensor& x, const at::Tensor& y);

// Whether "coupled" is meant, and not "frozen"; whether "trace" is, and not "sum".
bool is_coupled(c10::string_view batch_norm);
bool is_trace(c10::string_view outputs);

}  // namespace tegnas
