#include "ops/refusing.h"

#include <algorithm>
#include <new>

namespace tegnas {
namespace detail {

Part::Part(const char* words) : words(words) {}
Part::Part(const std::string& words) : words(words) {}
Part::Part(int number) : words(std::to_string(number)) {}
Part::Part(int64_t number) : words(std::to_string(number)) {}
Part::Part(size_t number) : words(std::to_string(number)) {}
Part::Part(Sizes sizes) : words(text(sizes)) {}
Part::Part(ScalarType dtype) : words(text(dtype)) {}

void refuse(const char* type, std::initializer_list<Part> parts) {
  std::string sentence = type;
  for (const Part& part : parts) sentence += part.words;
  throw Refusal(sentence);
}

void refuse_as(const char* op) {
  try {
    throw;
  } catch (const Refusal&) {
    throw;
  } catch (const std::invalid_argument& error) {
    refuse("", {op, ": ", error.what()});
  } catch (const std::length_error&) {
    refuse("", {op, ": there is not enough memory for these operands."});
  } catch (const std::bad_alloc&) {
    refuse("", {op, ": there is not enough memory for these operands."});
  }
}

}  // namespace detail

void check_extent(const char* op, const Tensor& tensor) {
  constexpr int64_t kMost = int64_t{1} << 40;
  int64_t product = 1;
  for (int64_t size : tensor.sizes()) {
    size = std::max<int64_t>(1, size);
    TEGNAS_CHECK_VALUE(size <= kMost / product, op, ": a tensor of shape ", tensor.sizes(),
                       " is too large.");
    product *= size;
  }
}

void check_same_device(const char* op, const Tensor& tensor, const Tensor& like) {
  TEGNAS_CHECK_VALUE(
      tensor.is_cpu() == like.is_cpu() && tensor.get_device_index() == like.get_device_index(), op,
      ": all tensors must be on one device, got ", device_text(tensor), " and ", device_text(like),
      ".");
}

}  // namespace tegnas
