// pack_signs and count_regions: activation patterns as bits, and how many of them differ.

#include "kernels/cpu/regions.h"

#include <ATen/ATen.h>
#include <torch/library.h>

#include <algorithm>
#include <vector>

#include "kernels/machine_memory.h"
#include "ops/regions_checks.h"
#include "ops/threads.h"

namespace tegnas {
namespace {

cpu::SignType sign_type(const at::Tensor& activations) {
  const auto type = activations.scalar_type();
  return type == at::kFloat    ? cpu::SignType::float32
         : type == at::kDouble ? cpu::SignType::float64
                               : cpu::SignType::boolean;
}

at::Tensor pack_signs(at::TensorList activations) {
  return refusing("pack_signs", [&] {
    const int64_t features = check_activations(activations);
    std::vector<cpu::Activations> layers;
    for (const at::Tensor& tensor : activations) {
      layers.push_back({sign_type(tensor), tensor.const_data_ptr(), tensor.stride(0),
                        tensor.sizes().slice(1).vec(), tensor.strides().slice(1).vec()});
    }
    const int64_t inputs = activations[0].size(0), words = cpu::words_for(features);
    check_machine_has(Checked(inputs) * words * static_cast<int64_t>(sizeof(int64_t)));
    at::Tensor patterns = at::empty({inputs, words}, activations[0].options().dtype(at::kLong));
    if (patterns.numel() == 0) return patterns;
    cpu::pack_signs(layers, inputs, torch_parallel_for,
                    reinterpret_cast<uint64_t*>(patterns.data_ptr<int64_t>()));
    return patterns;
  });
}

at::Tensor count_regions(const at::Tensor& patterns) {
  check_patterns(patterns);
  return refusing("count_regions", [&] {
    const at::Tensor rows = patterns.contiguous();
    const int64_t inputs = rows.size(-2), words = rows.size(-1);
    const int64_t networks = rows.dim() == 3 ? rows.size(0) : 1;
    check_machine_has(Checked(networks) * static_cast<int64_t>(sizeof(int64_t)));
    at::Tensor counts = at::empty(rows.sizes().slice(0, rows.dim() - 2), rows.options());
    // Without a word all inputs share the empty pattern.
    if (rows.numel() == 0) return counts.fill_(words == 0 ? std::min<int64_t>(inputs, 1) : 0);
    const auto* data = reinterpret_cast<const uint64_t*>(rows.const_data_ptr<int64_t>());
    int64_t* to = counts.data_ptr<int64_t>();
    torch_parallel_for(networks, [&](int64_t begin, int64_t end) {
      for (int64_t b = begin; b < end; ++b) {
        to[b] = cpu::count_distinct(data + b * inputs * words, inputs, words);
      }
    });
    return counts;
  });
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
