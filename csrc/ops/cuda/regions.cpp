// pack_signs and count_regions on CUDA.

#include "kernels/cpu/regions.h"

#include <torch/library.h>

#include <algorithm>

#include "kernels/cuda/launch.h"
#include "ops/cuda/device.h"
#include "ops/regions_checks.h"

namespace tegnas {
namespace {

at::Tensor pack_signs(at::TensorList activations) {
  int64_t features = check_activations(activations);
  for (const at::Tensor& tensor : activations) {
    check_same_device("pack_signs", tensor, activations[0]);
  }
  const OnDeviceOf device(activations[0]);
  const int64_t inputs = activations[0].size(0), words = cpu::words_for(features);
  at::Tensor patterns = at::empty({inputs, words}, activations[0].options().dtype(at::kLong));
  int64_t* to = patterns.mutable_data_ptr<int64_t>();
  int64_t first = 0;
  for (size_t layer = 0; layer < activations.size(); ++layer) {
    const at::Tensor values = activations[layer].contiguous();
    const int64_t size = values.numel() / std::max<int64_t>(1, inputs);
    const bool last = layer + 1 == activations.size();
    const auto launch = [&](const auto* data) {
      cuda::launch_pack_signs(device.stream(), data, inputs, size, first, last, words, to);
    };
    switch (values.scalar_type()) {
      case at::kFloat:
        launch(values.const_data_ptr<float>());
        break;
      case at::kDouble:
        launch(values.const_data_ptr<double>());
        break;
      default:
        launch(static_cast<const uint8_t*>(values.const_data_ptr()));
    }
    first += size;
  }
  return patterns;
}

// The counts stay on the device: nothing waits here.
at::Tensor count_regions(const at::Tensor& patterns) {
  check_patterns(patterns);
  const OnDeviceOf device(patterns);
  const at::Tensor rows = patterns.contiguous();
  const int64_t inputs = rows.size(-2), words = rows.size(-1);
  at::Tensor counts = at::empty(rows.sizes().slice(0, rows.dim() - 2), rows.options());
  TORCH_CHECK_VALUE((Checked(counts.numel()) * inputs).value() < (int64_t{1} << 31),
                    "count_regions: at most 2^31 rows at once on CUDA, got ", rows.sizes(), ".");
  const at::Tensor memory = workspace(
      static_cast<int64_t>(cuda::count_regions_workspace(counts.numel(), inputs, words)), rows);
  cuda::launch_count_regions(device.stream(), rows.const_data_ptr<int64_t>(), counts.numel(),
                             inputs, words, memory.mutable_data_ptr(),
                             counts.mutable_data_ptr<int64_t>());
  return counts;
}

}  // namespace

TORCH_LIBRARY_IMPL(tegnas, CUDA, m) {
  m.impl("pack_signs", &pack_signs);
  m.impl("count_regions", &count_regions);
}

}  // namespace tegnas
