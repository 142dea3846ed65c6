// pack_signs and count_regions: activation patterns as bits, and how many of them differ.

#include "kernels/cpu/regions.h"

#include <ATen/ATen.h>
#include <torch/library.h>

#include "ops/threads.h"

namespace tegnas {
namespace {

cpu::SignType sign_type(const at::Tensor& activations) {
  switch (activations.scalar_type()) {
    case at::kFloat:
      return cpu::SignType::float32;
    case at::kDouble:
      return cpu::SignType::float64;
    case at::kBool:
      return cpu::SignType::boolean;
    default:
      TORCH_CHECK_TYPE(false, "pack_signs: activations must be float32, float64 or bool, got ",
                       activations.scalar_type(), ".");
  }
}

at::Tensor pack_signs(at::TensorList activations) {
  TORCH_CHECK_VALUE(!activations.empty(), "pack_signs: at least one tensor is needed.");
  std::vector<cpu::Activations> layers;
  int64_t features = 0;
  for (const at::Tensor& tensor : activations) {
    TORCH_CHECK_VALUE(tensor.dim() >= 1 && tensor.size(0) == activations[0].size(0),
                      "pack_signs: every tensor must begin with the same number of inputs, got ",
                      tensor.sizes(), " beside ", activations[0].sizes(), ".");
    layers.push_back({sign_type(tensor), tensor.const_data_ptr(), tensor.stride(0),
                      tensor.sizes().slice(1).vec(), tensor.strides().slice(1).vec()});
    features += layers.back().features();
  }
  const int64_t inputs = activations[0].size(0);
  at::Tensor patterns =
      at::empty({inputs, cpu::words_for(features)}, activations[0].options().dtype(at::kLong));
  cpu::pack_signs(layers, inputs, torch_parallel_for,
                  reinterpret_cast<uint64_t*>(patterns.data_ptr<int64_t>()));
  return patterns;
}

at::Tensor count_regions(const at::Tensor& patterns) {
  TORCH_CHECK_TYPE(patterns.scalar_type() == at::kLong,
                   "count_regions: patterns must be int64 as pack_signs makes them, got ",
                   patterns.scalar_type(), ".");
  TORCH_CHECK_VALUE(patterns.dim() == 2 || patterns.dim() == 3,
                    "count_regions: patterns must have shape (inputs, words) or (networks, "
                    "inputs, words), got ",
                    patterns.sizes(), ".");
  const at::Tensor rows = patterns.contiguous();
  const int64_t inputs = rows.size(-2), words = rows.size(-1);
  at::Tensor counts = at::empty(rows.sizes().slice(0, rows.dim() - 2), rows.options());
  const auto* data = reinterpret_cast<const uint64_t*>(rows.const_data_ptr<int64_t>());
  int64_t* to = counts.data_ptr<int64_t>();
  torch_parallel_for(counts.numel(), [&](int64_t begin, int64_t end) {
    for (int64_t b = begin; b < end; ++b) {
      to[b] = cpu::count_distinct(data + b * inputs * words, inputs, words);
    }
  });
  return counts;
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(tegnas, m) {
  m.def("pack_signs(Tensor[] activations) -> Tensor");
  m.def("count_regions(Tensor patterns) -> Tensor");
}

TORCH_LIBRARY_IMPL(tegnas, CPU, m) {
  m.impl("pack_signs", &pack_signs);
  m.impl("count_regions", &count_regions);
}

}  // namespace tegnas
