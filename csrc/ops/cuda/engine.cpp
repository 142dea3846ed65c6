// The engine on CUDA: kernels and region counts of many programs.

#include "kernels/cuda/engine.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/cuda/launch.h"
#include "ops/cuda/device.h"
#include "ops/cuda/operators.h"
#include "ops/threads.h"

namespace tegnas::on_cuda {
namespace {

using engine::Purpose;

// The tasks of a call's programs on the device, and its jobs.
template <typename T>
class DeviceJobs {
 public:
  DeviceJobs(const GroupedJobs& jobs, const Tensor& like) : like_(like) {
    const std::vector<int64_t> first = cuda::grouped::number_tasks(*jobs.programs);
    const auto bytes = static_cast<size_t>(first.back()) * sizeof(cuda::grouped::Task);
    tasks_ = static_cast<const cuda::grouped::Task*>(upload(bytes, [&](void* to) {
      copy_tasks(*jobs.programs, first, static_cast<cuda::grouped::Task*>(to));
    }));
    list_.reserve(jobs.count());
    for (int64_t job = 0; job < jobs.count(); ++job) {
      const int64_t program = jobs.program_number(job);
      list_.push_back({&(*jobs.programs)[program], first[program], jobs.parameters<T>(job)});
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
    const Tensor pinned = torch::stable::empty({size}, ScalarType::Byte, /*layout=*/std::nullopt,
                                               /*device=*/std::nullopt, /*pin_memory=*/true);
    write(pinned.mutable_data_ptr());
    kept_.push_back(torch::stable::to(pinned, like_.device(), /*non_blocking=*/true));
    return kept_.back().const_data_ptr();
  }

  const Tensor& like_;
  std::vector<Tensor> kept_;
  std::vector<cuda::engine::Job<T>> list_;
  const cuda::grouped::Task* tasks_ = nullptr;
};

// Memory for networks that run at once: half of the device's. The more of them, the fewer launches;
// the results are the same bits. A network of the proxies takes tens of megabytes.
int64_t memory_for_networks(const Tensor& like) {
  static std::mutex mutex;
  static std::vector<int64_t> of_device;  // asking takes milliseconds
  const auto index = static_cast<size_t>(like.get_device_index());
  const std::lock_guard<std::mutex> lock(mutex);
  if (index >= of_device.size()) of_device.resize(index + 1, 0);
  if (of_device[index] == 0) {
    cudaDeviceProp properties;
    const cudaError_t status = cudaGetDeviceProperties(&properties, static_cast<int>(index));
    if (status != cudaSuccess) {
      throw std::runtime_error(std::string("tegnas: the GPU doesn't say how much memory it has: ") +
                               cudaGetErrorString(status) + ".");
    }
    of_device[index] = static_cast<int64_t>(properties.totalGlobalMem / 2);
  }
  return of_device[index];
}

// The workspace of a call, rounded up to a sixteenth of that memory: torch's allocator then has a
// block that fits from the call before, where it would ask the device for one a little larger.
Tensor network_memory(int64_t bytes, const Tensor& like) {
  const int64_t most = memory_for_networks(like), step = std::max<int64_t>(most / 16, 1);
  const int64_t rounded = (bytes + step - 1) / step * step;
  // A small call shall not hold a sixteenth of the device.
  return workspace(bytes < step || rounded > most ? bytes : rounded, like);
}

Tensor permuted(const Tensor& tensor, Sizes order) {
  return packed(call_torch("aten::permute", "", tensor, order));
}

// (N, C, H, W) with the images last.
Tensor images_last(const Tensor& images) { return permuted(images, {1, 2, 3, 0}); }

struct NtkCall {
  const Tensor &x, &y;
  bool coupled, trace;
  std::array<double*, 3> kernels;
};

template <typename T>
void run_ntk(const GroupedJobs& jobs, const NtkCall& call, cudaStream_t stream) {
  DeviceJobs<T> device(jobs, call.x);
  const Tensor x = images_last(call.x), y = images_last(call.y);
  const cuda::engine::Batches<T> batches{x.const_data_ptr<T>(), y.const_data_ptr<T>(),
                                         call.x.size(0), call.y.size(0)};
  const auto chunks =
      cuda::engine::cut(device.list(), batches.sizes(), call.coupled, memory_for_networks(call.x));
  const Tensor memory = network_memory(chunks.bytes, call.x);
  cuda::launch_engine_ntk<T>(stream, device.list(), batches, call.coupled, call.trace, chunks,
                             device.tasks(), memory.mutable_data_ptr(), device.uploader(),
                             torch_parallel_for,
                             {call.kernels[0], call.kernels[1], call.kernels[2]});
}

// inputs (sets, M, C, H, W).
template <typename T>
Tensor run_patterns(const GroupedJobs& jobs, const Tensor& inputs, int64_t batch_size,
                    cudaStream_t stream) {
  DeviceJobs<T> device(jobs, inputs);
  const int64_t sets = inputs.size(0), all = inputs.size(1);
  std::vector<Tensor> turned;
  std::vector<cuda::engine::RegionBatch<T>> batches;
  std::vector<int64_t> sizes;
  for (int64_t first = 0; first < all; first += batch_size) {
    const int64_t count = std::min(batch_size, all - first);
    const Tensor some = call_torch("aten::narrow", "", inputs, int64_t{1}, first, count);
    turned.push_back(permuted(some, {0, 2, 3, 4, 1}));
    batches.push_back({turned.back().const_data_ptr<T>(), first, count, sets,
                       turned.back().numel() / std::max<int64_t>(sets, 1)});
    sizes.push_back(count);
  }
  int64_t words = 0;
  for (const auto& job : device.list())
    words = std::max<int64_t>(words, (job.tasks->words + 1) / 2);
  const Tensor patterns = zeros({jobs.count(), all, words}, ScalarType::Long, inputs);
  const auto chunks = cuda::engine::cut(device.list(), sizes, false, memory_for_networks(inputs));
  const Tensor memory = network_memory(chunks.bytes, inputs);
  cuda::launch_engine_patterns<T>(
      stream, device.list(), batches, chunks, device.tasks(), memory.mutable_data_ptr(),
      device.uploader(), torch_parallel_for,
      {static_cast<uint32_t*>(patterns.mutable_data_ptr()), all, words});
  return patterns;
}

Tensor patterns_of(const JobOperands& operands, const Tensor& inputs, int64_t batch_size) {
  const GroupedJobs jobs = make_grouped_jobs(operands, inputs.sizes().slice(1), Purpose::regions);
  const OnDeviceOf device(inputs);
  return inputs.scalar_type() == ScalarType::Float
             ? run_patterns<float>(jobs, inputs, batch_size, device.stream())
             : run_patterns<double>(jobs, inputs, batch_size, device.stream());
}

}  // namespace

void engine_ntk(const JobOperands& operands, const Tensor& x, const Tensor& y, bool coupled,
                bool trace, const std::array<double*, 3>& kernels, const Tensor& distances) {
  const GroupedJobs jobs =
      make_grouped_jobs(operands, x.sizes(), coupled ? Purpose::coupled : Purpose::frozen);
  if (jobs.count() == 0 || x.size(0) == 0) return;
  const OnDeviceOf device(x);
  // The kernels of all weights are made with those of the searched ones and come at hardly any
  // cost.
  const bool all = kernels[0] != nullptr;
  const int64_t n = x.size(0);
  const Tensor unwanted = zeros({all ? 0 : jobs.count(), n, n}, ScalarType::Double, x);
  double* k_all = all ? kernels[0] : unwanted.mutable_data_ptr<double>();
  const NtkCall call{x, y, coupled, trace, {k_all, kernels[1], kernels[2]}};
  x.scalar_type() == ScalarType::Float ? run_ntk<float>(jobs, call, device.stream())
                                       : run_ntk<double>(jobs, call, device.stream());
  // By a forward sweep of their own: the tasks of kernels take no signs.
  if (distances.numel() > 0) {
    engine_pattern_distances(operands, torch::stable::unsqueeze(x, 0), n, distances);
  }
}

void engine_regions(const JobOperands& operands, const Tensor& inputs, int64_t batch_size,
                    const Tensor& counts) {
  count_regions(patterns_of(operands, inputs, batch_size), counts);
}

void engine_pattern_distances(const JobOperands& operands, const Tensor& inputs, int64_t batch_size,
                              const Tensor& distances) {
  pattern_distances(patterns_of(operands, inputs, batch_size), distances);
}

}  // namespace tegnas::on_cuda
