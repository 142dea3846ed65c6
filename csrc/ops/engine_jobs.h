// Checks the operands of the engine's operators and describes them to it, on whatever device.
#pragma once

#include <string>
#include <vector>

#include "kernels/cuda/grouped/emit.h"
#include "kernels/kept.h"
#include "kernels/program/program.h"
#include "ops/tensor.h"
#include "ops/words.h"

namespace tegnas {

// What every operator of the engine takes first.
struct JobOperands {
  const Tensor &code, &code_offsets, &job_programs, &params, &job_params;
};

// For each job of a call which program it runs and where its parameters begin.
class JobTable {
 public:
  explicit JobTable(const JobOperands& operands);

  int64_t count() const { return count_; }
  int64_t program_number(int64_t job) const { return numbers_[job]; }
  int64_t offset(int64_t job) const { return offsets_[job]; }
  template <typename T>
  const T* parameters(int64_t job) const {
    return static_cast<const T*>(values_) + offset(job);
  }

 private:
  Tensor job_programs_, params_, job_params_;
  int64_t count_;
  const int64_t *numbers_, *offsets_;
  const void* values_;
};

struct Jobs : JobTable {
  std::vector<engine::Program> programs;

  const engine::Program& program(int64_t job) const { return programs[program_number(job)]; }
};

// The same with the tasks of each program.
struct GroupedJobs : JobTable {
  Kept<std::vector<cuda::grouped::Tasks>> programs;
};

// Raises ValueError or TypeError, in one sentence, where the operands don't fit each other and the
// images, whatever the programs say. Programs and the places of parameters are read by the host, so
// they must be on the CPU.
void check_operands(const JobOperands& operands, const Tensor& images);

// Of operands that were checked. Raises ValueError, in one sentence, where a program is none or a
// job doesn't fit it; `images`: the sizes (N, C, H, W).
Jobs make_jobs(const JobOperands& operands, Sizes images);
GroupedJobs make_grouped_jobs(const JobOperands& operands, Sizes images, engine::Purpose purpose);

// The tasks of the programs of a call, from their words one after the other. Raises ValueError in
// one sentence.
Kept<std::vector<cuda::grouped::Tasks>> make_tasks(Words code, Words offsets,
                                                   engine::Purpose purpose);

// The tasks of all programs one after the other, to the place where they are wanted; `first` says
// where each program's begin.
void copy_tasks(const std::vector<cuda::grouped::Tasks>& programs,
                const std::vector<int64_t>& first, cuda::grouped::Task* to);

// Inputs of region counts as sets (sets, M, C, H, W), of which there is at least one; (M, C, H, W)
// is a single one. Job j reads set j mod sets.
Tensor input_sets(const Tensor& inputs);

// The second batch must be like the first.
void check_batches(const Tensor& x, const Tensor& y);

// Whether "coupled" is meant, and not "frozen"; whether "trace" is, and not "sum".
bool is_coupled(const std::string& batch_norm);
bool is_trace(const std::string& outputs);
// Whether "all" weights are meant, and not those that are "searched" alone.
bool is_all(const std::string& weights);

}  // namespace tegnas
