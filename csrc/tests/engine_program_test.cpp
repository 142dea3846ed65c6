// What the program format refuses, and how it says so.
#include <functional>
#include <stdexcept>

#include "check.h"
#include "engine_writer.h"
#include "kernels/cpu/engine/engine.h"
#include "nasbench201.h"

using namespace tegnas;
using namespace tegnas::test;

namespace {

using Words = std::vector<int64_t>;

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

// Expects that a changed word makes the program invalid, with `part` in the message.
void refuses(Words words, size_t at, int64_t value, const std::string& part) {
  words[at] = value;
  const std::string said =
      refusal([&] { engine::parse_program(words.data(), static_cast<int64_t>(words.size())); });
  CHECK_SAY(said.find(part) != std::string::npos,
            "expected \"" + part + "\", got \"" + said + "\"");
}

void changed_words() {
  Writer w({3, 8, 8});
  const int64_t conv = w.conv(0, 4, square(3, 1, 1), 1, true, true);
  w.linear(w.global_avg_pool(w.relu(w.norm(conv, true, true))), 10, true, false);
  const Words words = w.words();
  engine::parse_program(words.data(), static_cast<int64_t>(words.size()));
  constexpr size_t kConv = 6, kNorm = kConv + 16;
  refuses(words, 0, 2, "format version 1");
  refuses(words, 2, 0, "header");
  refuses(words, 5, 4, "after its last instruction");
  refuses(words, 5, 6, "past the end");
  refuses(words, kConv, 99, "instruction 0 (unknown): unknown opcode");
  refuses(words, kConv + 1, 1, "past the end");
  refuses(words, kConv + 1, 15, "too few words");
  refuses(words, kConv + 2, 1, "value 1, which is not defined");
  refuses(words, kConv + 2, -1, "value -1, which is not defined");
  refuses(words, kConv + 4, 0, "kernel height must be between");
  refuses(words, kConv + 4, 11, "does not fit into its input (3, 8, 8)");
  refuses(words, kConv + 12, 2, "2 groups do not divide");
  refuses(words, kConv + 13, w.parameters(), "outside the parameter vector");
  refuses(words, kConv + 13, -1, "weight [-1");
  refuses(words, kConv + 15, 2, "flags");
  refuses(words, kNorm + 3, -1, "eps must be a finite");
  refuses(words, kNorm + 4, 0, "share weights");
  Words cut(words.begin(), words.end() - 1);
  refuses(cut, 0, 1, "past the end");
  refuses({1, 2}, 0, 1, "header of 6 words");
}

void shapes() {
  Writer w({3, 8, 8});
  w.conv(0, 4, square(3, 1, 1), 1, false, true);
  Words words = w.words();
  const Words add{6, 4, 0, 1};
  words.insert(words.end(), add.begin(), add.end());
  words[5] = 2;
  refuses(words, 0, 1, "(3, 8, 8) and (4, 8, 8), which do not fit together");
  const std::string said =
      refusal([&] { engine::make_plan(w.program(), engine::Purpose::frozen, false); });
  CHECK(said.find("logits of shape (K, 1, 1)") != std::string::npos);
}

// However many values an instruction reads, they are read in order, and again from a copy.
void inputs() {
  for (int64_t count = 1; count < 12; ++count) {
    Writer w({3, 8, 8});
    Words values;
    for (int64_t k = 0; k < count; ++k) values.push_back(w.relu(k));
    w.add(values);
    const engine::Program program = w.program(), copy = program;
    for (const engine::Inputs& in : {program.instructions.back().in, copy.instructions.back().in}) {
      CHECK((Words(in.begin(), in.end()) == values));
      CHECK(in.size() == values.size() && in[count - 1] == values.back());
    }
  }
}

// Any single changed word is either refused or still a program; nothing else happens.
void every_word() {
  const Words words = Nasbench201::proxy("3ps1n3").words();
  for (size_t at = 0; at < words.size(); ++at) {
    for (const int64_t value : {INT64_MIN, int64_t{-1}, int64_t{0}, int64_t{1}, int64_t{1} << 29,
                                int64_t{1} << 62, INT64_MAX}) {
      Words changed = words;
      changed[at] = value;
      refusal([&] { engine::parse_program(changed.data(), static_cast<int64_t>(changed.size())); });
    }
  }
}

}  // namespace

int main() {
  changed_words();
  shapes();
  inputs();
  every_word();
  return finish("engine_program_test");
}
