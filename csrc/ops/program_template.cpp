#include "ops/program_template.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "kernels/kept.h"
#include "kernels/program/template.h"
#include "ops/refusing.h"
#include "ops/threads.h"

namespace tegnas {
namespace {

// What one call writes at most: an array without edges may claim any number of rows.
constexpr int64_t kMostPrograms = int64_t{1} << 22;

// Of more programs the memory isn't kept.
constexpr int64_t kMostKept = 2048;

void write_all(Words words, const Choices& choices, int64_t parameters, const Room& room_for_code,
               const Room& room_for_offsets) {
  const engine::ProgramTemplate pattern(words.data, words.count);
  if (choices.edges != pattern.edges()) {
    throw std::invalid_argument("options must be (programs, " + std::to_string(pattern.edges()) +
                                ") of this template.");
  }
  const int64_t count = choices.programs, edges = pattern.edges();
  if (count > kMostPrograms) {
    throw std::invalid_argument("one call writes at most 2^22 programs, not " +
                                std::to_string(count) + ".");
  }
  const int64_t* chosen = choices.data;
  std::vector<std::string> errors(count);
  std::vector<int64_t> lengths(count);
  // Of programs that one thread writes, one after the other; in the place of the first.
  Kept<std::vector<std::vector<int64_t>>> kept;
  if (count > kMostKept) kept.forget();
  std::vector<std::vector<int64_t>>& written = *kept;
  written.resize(count);
  for (std::vector<int64_t>& some : written) some.clear();
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
  int64_t* offset = room_for_offsets(count + 1);
  offset[0] = 0;
  for (int64_t p = 0; p < count; ++p) {
    if (!errors[p].empty()) {
      throw std::invalid_argument("program " + std::to_string(p) + ": " + errors[p]);
    }
    offset[p + 1] = offset[p] + lengths[p];
  }
  int64_t* to = room_for_code(offset[count]);
  for (const std::vector<int64_t>& some : written) to = std::copy(some.begin(), some.end(), to);
}

}  // namespace

void write_programs(Words words, const Choices& choices, int64_t parameters, const Room& code,
                    const Room& offsets) {
  refusing("write_programs", [&] { write_all(words, choices, parameters, code, offsets); });
}

}  // namespace tegnas
