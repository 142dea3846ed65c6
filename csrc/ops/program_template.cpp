#include "ops/program_template.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "kernels/kept.h"
#include "kernels/program/template.h"
#include "ops/refusing.h"
#include "ops/threads.h"

namespace tegnas {
namespace {

using Words = pybind11::array_t<int64_t, pybind11::array::c_style | pybind11::array::forcecast>;

// What one call writes at most: an array without edges may claim any number of rows.
constexpr int64_t kMostPrograms = int64_t{1} << 22;

// Of more programs the memory isn't kept.
constexpr int64_t kMostKept = 2048;

std::pair<Words, Words> write_all(const Words& words, const Words& options, int64_t parameters) {
  const engine::ProgramTemplate pattern(words.data(), words.size());
  if (options.ndim() != 2 || options.shape(1) != pattern.edges()) {
    throw std::invalid_argument("options must be (programs, " + std::to_string(pattern.edges()) +
                                ") of this template.");
  }
  const int64_t count = options.shape(0), edges = pattern.edges();
  if (count > kMostPrograms) {
    throw std::invalid_argument("one call writes at most 2^22 programs, not " +
                                std::to_string(count) + ".");
  }
  const int64_t* chosen = options.data();
  std::vector<std::string> errors(count);
  std::vector<int64_t> lengths(count);
  // Of programs that one thread writes, one after the other; in the place of the first.
  Kept<std::vector<std::vector<int64_t>>> kept;
  if (count > kMostKept) kept.forget();
  std::vector<std::vector<int64_t>>& written = *kept;
  written.resize(count);
  for (std::vector<int64_t>& some : written) some.clear();
  {
    const pybind11::gil_scoped_release release;
    torch_parallel_for(count, [&](int64_t begin, int64_t end) {
      Kept<engine::TemplateScratch> scratch;
      std::vector<int64_t>& code = written[begin];
      for (int64_t p = begin; p < end; ++p) {
        const size_t before = code.size();
        try {
          pattern.write(chosen + p * edges, parameters, *scratch, code);
        } catch (const std::invalid_argument& error) {
          errors[p] = error.what();
        }
        lengths[p] = static_cast<int64_t>(code.size() - before);
      }
    });
  }
  Words offsets(count + 1);
  int64_t* offset = offsets.mutable_data();
  offset[0] = 0;
  for (int64_t p = 0; p < count; ++p) {
    if (!errors[p].empty()) {
      throw std::invalid_argument("program " + std::to_string(p) + ": " + errors[p]);
    }
    offset[p + 1] = offset[p] + lengths[p];
  }
  Words code(offset[count]);
  int64_t* to = code.mutable_data();
  for (const std::vector<int64_t>& some : written) to = std::copy(some.begin(), some.end(), to);
  return {std::move(code), std::move(offsets)};
}

// All programs one after the other, and where each begins.
std::pair<Words, Words> write_programs(const Words& words, const Words& options,
                                       int64_t parameters) {
  return refusing("write_programs", [&] { return write_all(words, options, parameters); });
}

}  // namespace

void define_program_template(pybind11::module_& m) {
  m.def("write_programs", &write_programs, "Programs of many architectures from one template.");
}

}  // namespace tegnas
