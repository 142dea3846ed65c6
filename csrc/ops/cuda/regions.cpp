// pack_signs, count_regions and pattern_distances on CUDA.

#include <algorithm>

#include "kernels/cuda/launch.h"
#include "ops/cuda/device.h"
#include "ops/cuda/operators.h"
#include "ops/refusing.h"

namespace tegnas::on_cuda {

void pack_signs(const Tensors& activations, const Tensor& patterns) {
  const OnDeviceOf device(patterns);
  const int64_t inputs = patterns.size(0), words = patterns.size(1);
  int64_t* to = patterns.mutable_data_ptr<int64_t>();
  int64_t first = 0;
  for (size_t layer = 0; layer < activations.size(); ++layer) {
    const Tensor values = packed(activations[layer]);
    const int64_t size = values.numel() / std::max<int64_t>(1, inputs);
    const bool last = layer + 1 == activations.size();
    const auto launch = [&](const auto* data) {
      cuda::launch_pack_signs(device.stream(), data, inputs, size, first, last, words, to);
    };
    switch (values.scalar_type()) {
      case ScalarType::Float:
        launch(values.const_data_ptr<float>());
        break;
      case ScalarType::Double:
        launch(values.const_data_ptr<double>());
        break;
      default:
        launch(static_cast<const uint8_t*>(values.const_data_ptr()));
    }
    first += size;
  }
}

void count_regions(const Tensor& rows, const Tensor& counts) {
  const OnDeviceOf device(rows);
  const int64_t inputs = rows.size(-2), words = rows.size(-1), networks = counts.numel();
  TEGNAS_CHECK_VALUE((Checked(networks) * inputs).value() < (int64_t{1} << 31),
                     "count_regions: at most 2^31 rows at once on CUDA, got ", rows.sizes(), ".");
  const Tensor memory =
      workspace(static_cast<int64_t>(cuda::count_regions_workspace(networks, inputs, words)), rows);
  cuda::launch_count_regions(device.stream(), rows.const_data_ptr<int64_t>(), networks, inputs,
                             words, memory.mutable_data_ptr(), counts.mutable_data_ptr<int64_t>());
}

void pattern_distances(const Tensor& rows, const Tensor& distances) {
  const OnDeviceOf device(rows);
  const int64_t inputs = rows.size(-2), networks = rows.dim() == 3 ? rows.size(0) : 1;
  TEGNAS_CHECK_VALUE(inputs <= cuda::kMostDistanceRows, "pattern_distances: at most ",
                     cuda::kMostDistanceRows, " rows of a network on CUDA, got ", rows.sizes(),
                     ".");
  cuda::launch_pattern_distances(device.stream(), rows.const_data_ptr<int64_t>(), networks, inputs,
                                 rows.size(-1), distances.mutable_data_ptr<int64_t>());
}

}  // namespace tegnas::on_cuda
