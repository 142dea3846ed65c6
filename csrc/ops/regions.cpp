// pack_signs, count_regions and pattern_distances: activation patterns as bits, how many of them
// differ, and in how many bits.

#include "kernels/cpu/regions.h"

#include <algorithm>
#include <vector>

#include "kernels/cpu/kernels.h"
#include "kernels/machine_memory.h"
#include "ops/refusing.h"
#include "ops/registering.h"
#include "ops/threads.h"

namespace tegnas {
namespace {

// The number of features of one input; raises ValueError or TypeError where the tensors don't fit.
int64_t check_activations(const Tensors& activations) {
  TEGNAS_CHECK_VALUE(!activations.empty(), "pack_signs: at least one tensor is needed.");
  Checked features = 0;
  for (const Tensor& tensor : activations) {
    const ScalarType dtype = dtype_of(tensor);
    TEGNAS_CHECK_TYPE(
        dtype == ScalarType::Float || dtype == ScalarType::Double || dtype == ScalarType::Bool,
        "pack_signs: activations must be float32, float64 or bool, got ", dtype, ".");
    TEGNAS_CHECK_VALUE(tensor.dim() >= 1 && tensor.size(0) == activations[0].size(0),
                       "pack_signs: every tensor must begin with the same number of inputs, got ",
                       tensor.sizes(), " beside ", activations[0].sizes(), ".");
    check_extent("pack_signs", tensor);
    check_same_device("pack_signs", tensor, activations[0]);
    Checked product = 1;
    for (int64_t size : tensor.sizes().slice(1)) product = product * size;
    features = features + product;
  }
  return features.value();
}

cpu::SignType sign_type(const Tensor& activations) {
  const ScalarType dtype = activations.scalar_type();
  return dtype == ScalarType::Float    ? cpu::SignType::float32
         : dtype == ScalarType::Double ? cpu::SignType::float64
                                       : cpu::SignType::boolean;
}

Tensor pack_signs(const Tensors& activations) {
  return refusing("pack_signs", [&] {
    const int64_t features = check_activations(activations);
    const int64_t inputs = activations[0].size(0), words = cpu::words_for(features);
    check_machine_has(Checked(inputs) * words * static_cast<int64_t>(sizeof(int64_t)));
    const Tensor patterns = empty({inputs, words}, ScalarType::Long, activations[0]);
    if (patterns.numel() == 0) return patterns;
    TEGNAS_ON_CUDA(patterns, patterns, pack_signs(activations, patterns));
    std::vector<cpu::Activations> layers;
    for (const Tensor& tensor : activations) {
      layers.push_back({sign_type(tensor), tensor.const_data_ptr(), tensor.stride(0),
                        tensor.sizes().slice(1).vec(), tensor.strides().slice(1).vec()});
    }
    cpu::pack_signs(layers, inputs, torch_parallel_for,
                    reinterpret_cast<uint64_t*>(patterns.mutable_data_ptr<int64_t>()));
    return patterns;
  });
}

void check_patterns(const char* op, const Tensor& patterns) {
  TEGNAS_CHECK_TYPE(dtype_of(patterns) == ScalarType::Long, op,
                    ": patterns must be int64 as pack_signs makes them, got ", dtype_of(patterns),
                    ".");
  TEGNAS_CHECK_VALUE(patterns.dim() == 2 || patterns.dim() == 3, op,
                     ": patterns must have shape (inputs, words) or (networks, inputs, words), "
                     "got ",
                     patterns.sizes(), ".");
  check_extent(op, patterns);
}

Tensor count_regions(const Tensor& patterns) {
  check_patterns("count_regions", patterns);
  return refusing("count_regions", [&] {
    const Tensor rows = packed(patterns);
    const int64_t inputs = rows.size(-2), words = rows.size(-1);
    const int64_t networks = rows.dim() == 3 ? rows.size(0) : 1;
    check_machine_has(Checked(networks) * static_cast<int64_t>(sizeof(int64_t)));
    const Tensor counts = empty(without_last(rows.sizes(), 2), ScalarType::Long, rows);
    TEGNAS_ON_CUDA(rows, counts, count_regions(rows, counts));
    // Without a word all inputs share the empty pattern.
    if (rows.numel() == 0) {
      const int64_t each = words == 0 ? std::min<int64_t>(inputs, 1) : 0;
      return torch::stable::fill_(counts, static_cast<double>(each));
    }
    const auto* data = reinterpret_cast<const uint64_t*>(rows.const_data_ptr<int64_t>());
    int64_t* to = counts.mutable_data_ptr<int64_t>();
    torch_parallel_for(networks, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        to[b] = cpu::count_distinct(data + b * inputs * words, inputs, words);
      }
    });
    return counts;
  });
}

Tensor pattern_distances(const Tensor& patterns) {
  check_patterns("pattern_distances", patterns);
  return refusing("pattern_distances", [&] {
    const Tensor rows = packed(patterns);
    const int64_t inputs = rows.size(-2), words = rows.size(-1);
    const int64_t networks = rows.dim() == 3 ? rows.size(0) : 1;
    check_machine_has(Checked(inputs) * inputs * networks * static_cast<int64_t>(sizeof(int64_t)));
    std::vector<int64_t> shape = without_last(rows.sizes(), 1).vec();
    shape.push_back(inputs);
    const Tensor distances = zeros(shape, ScalarType::Long, rows);
    if (rows.numel() == 0) return distances;
    TEGNAS_ON_CUDA(rows, distances, pattern_distances(rows, distances));
    const auto* data = reinterpret_cast<const uint64_t*>(rows.const_data_ptr<int64_t>());
    int64_t* to = distances.mutable_data_ptr<int64_t>();
    torch_parallel_for(networks, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        cpu::kernels().row_distances(data + b * inputs * words, inputs, words,
                                     to + b * inputs * inputs);
      }
    });
    return distances;
  });
}

}  // namespace

STABLE_TORCH_LIBRARY_FRAGMENT(tegnas, m) {
  m.def("pack_signs(Tensor[] activations) -> Tensor");
  m.def("count_regions(Tensor patterns) -> Tensor");
  m.def("pattern_distances(Tensor patterns) -> Tensor");
}
TEGNAS_IMPLEMENT(pack_signs)
TEGNAS_IMPLEMENT(count_regions)
TEGNAS_IMPLEMENT(pattern_distances)

}  // namespace tegnas
