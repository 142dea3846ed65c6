// The engine on CUDA: kernels and region counts of many programs.

#include "kernels/cuda/engine.h"

#include <ATen/cuda/CUDAContextLight.h>
#include <torch/library.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <vector>

#include "kernels/cuda/launch.h"
#include "ops/cuda/device.h"
#include "ops/engine_jobs.h"

namespace tegnas {
namespace {

using engine::Purpose;

// The tasks of a call's programs on the device, and its jobs.
template <typename T>
class DeviceJobs {
 public:
  DeviceJobs(const GroupedJobs& jobs, const at::Tensor& like) : like_(like) {
    const std::vector<int64_t> first = cuda::grouped::number_tasks(jobs.programs);
    const auto bytes = static_cast<size_t>(first.back()) * sizeof(cuda::grouped::Task);
    tasks_ = static_cast<const cuda::grouped::Task*>(upload(bytes, [&](void* to) {
      copy_tasks(jobs.programs, first, static_cast<cuda::grouped::Task*>(to));
    }));
    list_.reserve(jobs.count());
    for (int64_t job = 0; job < jobs.count(); ++job) {
      const int64_t program = jobs.program_number(job);
      list_.push_back({&jobs.programs[program], first[program], jobs.parameters<T>(job)});
    }
  }

  const std::vector<cuda::engine::Job<T>>& list() const { return list_; }
  const cuda::grouped::Task* tasks() const { return tasks_; }

  cuda::engine::Upload uploader() {
    return [this](const void* data, size_t bytes) {
      return upload(bytes, [&](void* to) {
        if (bytes > 0) std::memcpy(to, data, bytes);
      });
    };
  }

 private:
  // Through pinned memory, which torch keeps from call to call and gives away again only after the
  // copy, by an event of its own. `write` writes into it.
  template <typename Write>
  const void* upload(size_t bytes, const Write& write) {
    const auto size = static_cast<int64_t>(bytes);
    const at::Tensor pinned =
        at::empty({size}, at::TensorOptions().dtype(at::kByte).pinned_memory(true));
    write(pinned.mutable_data_ptr());
    kept_.push_back(pinned.to(like_.device(), /*non_blocking=*/true));
    return kept_.back().const_data_ptr();
  }

  const at::Tensor& like_;
  std::vector<at::Tensor> kept_;
  std::vector<cuda::engine::Job<T>> list_;
  const cuda::grouped::Task* tasks_ = nullptr;
};

// Memory for networks that run at once: half of the device's. The more of them, the fewer launches;
// the results are the same bits. A network of the proxies takes tens of megabytes.
int64_t memory_for_networks() {
  return static_cast<int64_t>(at::cuda::getCurrentDeviceProperties()->totalGlobalMem / 2);
}

// The workspace of a call, rounded up to a sixteenth of that memory: torch's allocator then has a
// block that fits from the call before, where it would ask the device for one a little larger.
at::Tensor network_memory(int64_t bytes, const at::Tensor& like) {
  const int64_t most = memory_for_networks(), step = std::max<int64_t>(most / 16, 1);
  const int64_t rounded = (bytes + step - 1) / step * step;
  // A small call shall not hold a sixteenth of the device.
  return workspace(bytes < step || rounded > most ? bytes : rounded, like);
}

// (N, C, H, W) with the images last.
at::Tensor images_last(const at::Tensor& images) {
  return images.permute({1, 2, 3, 0}).contiguous();
}

struct NtkCall {
  at::Tensor x, y;
  bool coupled, trace;
  std::vector<at::Tensor> kernels;
};

template <typename T>
void run_ntk(const GroupedJobs& jobs, const NtkCall& call, cudaStream_t stream) {
  DeviceJobs<T> device(jobs, call.x);
  const at::Tensor x = images_last(call.x), y = images_last(call.y);
  const cuda::engine::Batches<T> batches{x.const_data_ptr<T>(), y.const_data_ptr<T>(),
                                         call.x.size(0), call.y.size(0)};
  const auto chunks =
      cuda::engine::cut(device.list(), batches.sizes(), call.coupled, memory_for_networks());
  const at::Tensor memory = network_memory(chunks.bytes, call.x);
  cuda::launch_engine_ntk<T>(
      stream, device.list(), batches, call.coupled, call.trace, chunks, device.tasks(),
      memory.mutable_data_ptr(), device.uploader(),
      {call.kernels[0].mutable_data_ptr<double>(), call.kernels[1].mutable_data_ptr<double>(),
       call.kernels[2].mutable_data_ptr<double>()});
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> engine_ntk(
    const at::Tensor& code, const at::Tensor& code_offsets, const at::Tensor& job_programs,
    const at::Tensor& params, const at::Tensor& job_params, const at::Tensor& x,
    const at::Tensor& y, c10::string_view batch_norm, c10::string_view outputs,
    c10::string_view weights) {
  const bool all = is_all(weights);
  const GroupedJobs jobs =
      make_grouped_jobs(code, code_offsets, job_programs, params, job_params, x,
                        is_coupled(batch_norm) ? Purpose::coupled : Purpose::frozen);
  check_batches(x, y);
  for (const at::Tensor& tensor : {params, y}) check_same_device("engine", tensor, x);
  const OnDeviceOf device(x);
  const int64_t n = x.size(0), m = y.size(0);
  const auto float64 = x.options().dtype(at::kDouble);
  const NtkCall call{
      x,
      y,
      is_coupled(batch_norm),
      is_trace(outputs),
      {at::zeros({jobs.count(), n, n}, float64), at::zeros({jobs.count(), n, n}, float64),
       at::zeros({jobs.count(), m, n}, float64)}};
  if (jobs.count() > 0 && n > 0) {
    try {
      x.scalar_type() == at::kFloat ? run_ntk<float>(jobs, call, device.stream())
                                    : run_ntk<double>(jobs, call, device.stream());
    } catch (const std::invalid_argument& error) {
      TORCH_CHECK_VALUE(false, "engine: ", error.what());
    }
  }
  // Its kernels are made with the body's and come at hardly any cost.
  return {call.kernels[0].narrow(0, 0, all ? jobs.count() : 0), call.kernels[1], call.kernels[2]};
}

// inputs (sets, M, C, H, W).
template <typename T>
at::Tensor run_patterns(const GroupedJobs& jobs, const at::Tensor& inputs, int64_t batch_size,
                        cudaStream_t stream) {
  DeviceJobs<T> device(jobs, inputs);
  const int64_t sets = inputs.size(0), all = inputs.size(1);
  std::vector<at::Tensor> turned;
  std::vector<cuda::engine::RegionBatch<T>> batches;
  std::vector<int64_t> sizes;
  for (int64_t first = 0; first < all; first += batch_size) {
    const int64_t count = std::min(batch_size, all - first);
    turned.push_back(inputs.narrow(1, first, count).permute({0, 2, 3, 4, 1}).contiguous());
    batches.push_back({turned.back().const_data_ptr<T>(), first, count, sets,
                       turned.back().numel() / std::max<int64_t>(sets, 1)});
    sizes.push_back(count);
  }
  int64_t words = 0;
  for (const auto& job : device.list())
    words = std::max<int64_t>(words, (job.tasks->words + 1) / 2);
  at::Tensor patterns = at::zeros({jobs.count(), all, words}, inputs.options().dtype(at::kLong));
  const auto chunks = cuda::engine::cut(device.list(), sizes, false, memory_for_networks());
  const at::Tensor memory = network_memory(chunks.bytes, inputs);
  cuda::launch_engine_patterns<T>(
      stream, device.list(), batches, chunks, device.tasks(), memory.mutable_data_ptr(),
      device.uploader(), {static_cast<uint32_t*>(patterns.mutable_data_ptr()), all, words});
  return patterns;
}

// The counts stay on the device.
at::Tensor engine_regions(const at::Tensor& code, const at::Tensor& code_offsets,
                          const at::Tensor& job_programs, const at::Tensor& params,
                          const at::Tensor& job_params, const at::Tensor& given,
                          int64_t batch_size) {
  const at::Tensor inputs = input_sets(given);
  const GroupedJobs jobs = make_grouped_jobs(code, code_offsets, job_programs, params, job_params,
                                             inputs[0], Purpose::regions);
  TORCH_CHECK_VALUE(batch_size > 0, "engine: batch_size must be positive, got ", batch_size, ".");
  check_same_device("engine", params, inputs);
  const OnDeviceOf device(inputs);
  at::Tensor patterns;
  try {
    patterns = inputs.scalar_type() == at::kFloat
                   ? run_patterns<float>(jobs, inputs, batch_size, device.stream())
                   : run_patterns<double>(jobs, inputs, batch_size, device.stream());
  } catch (const std::invalid_argument& error) {
    TORCH_CHECK_VALUE(false, "engine: ", error.what());
  }
  at::Tensor counts = at::empty({jobs.count()}, patterns.options());
  const at::Tensor memory = workspace(static_cast<int64_t>(cuda::count_regions_workspace(
                                          jobs.count(), patterns.size(1), patterns.size(2))),
                                      inputs);
  cuda::launch_count_regions(device.stream(), patterns.const_data_ptr<int64_t>(), jobs.count(),
                             patterns.size(1), patterns.size(2), memory.mutable_data_ptr(),
                             counts.mutable_data_ptr<int64_t>());
  return counts;
}

}  // namespace

TORCH_LIBRARY_IMPL(tegnas, CUDA, m) {
  m.impl("engine_ntk", &engine_ntk);
  m.impl("engine_regions", &engine_regions);
}

}  // namespace tegnas
