#include "ops/tensor.h"

#include <stdexcept>

namespace tegnas {
namespace {

int32_t number_of(ScalarType dtype) {
  return torch::stable::detail::to<int32_t>(torch::stable::detail::from(dtype));
}

}  // namespace

ScalarType dtype_of(const Tensor& tensor) {
  try {
    return tensor.scalar_type();
  } catch (const std::runtime_error&) {
    return ScalarType::Undefined;
  }
}

std::string text(Sizes sizes) {
  std::string joined = "[";
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (i > 0) joined += ", ";
    joined += std::to_string(sizes[i]);
  }
  return joined + "]";
}

std::string text(ScalarType dtype) { return torch::headeronly::toString(dtype); }

std::string device_text(const Tensor& tensor) {
  if (tensor.is_cpu()) return "cpu";
  const std::string index = std::to_string(tensor.get_device_index());
  return (tensor.is_cuda() ? "cuda:" : "another device, number ") + index;
}

Tensor empty(Sizes sizes, ScalarType dtype, const Tensor& like) {
  // Not by way of torch's dispatcher, which looks operators up by their names.
  std::vector<int64_t> strides(sizes.size());
  int64_t step = 1;
  for (size_t i = sizes.size(); i-- > 0;) {
    strides[i] = step;
    step *= sizes[i] > 0 ? sizes[i] : 1;
  }
  int32_t type = 0, index = 0;
  STABLE_TORCH_ERROR_CODE_CHECK(aoti_torch_get_device_type(like.get(), &type));
  STABLE_TORCH_ERROR_CODE_CHECK(aoti_torch_get_device_index(like.get(), &index));
  AtenTensorHandle made = nullptr;
  STABLE_TORCH_ERROR_CODE_CHECK(aoti_torch_empty_strided(static_cast<int64_t>(sizes.size()),
                                                         sizes.data(), strides.data(),
                                                         number_of(dtype), type, index, &made));
  return Tensor(made);
}

Tensor zeros(Sizes sizes, ScalarType dtype, const Tensor& like) {
  const Tensor made = empty(sizes, dtype, like);
  STABLE_TORCH_ERROR_CODE_CHECK(aoti_torch_zero_(made.get()));
  return made;
}

Tensor packed(const Tensor& tensor) {
  return tensor.is_contiguous() ? tensor : torch::stable::contiguous(tensor);
}

Tensor packed_float64(const Tensor& tensor) {
  if (tensor.scalar_type() == ScalarType::Double) return packed(tensor);
  return packed(torch::stable::to(tensor, ScalarType::Double));
}

}  // namespace tegnas
