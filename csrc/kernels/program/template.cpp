#include "kernels/program/template.h"

#include <algorithm>
#include <stdexcept>
#include <string>

#include "kernels/program/program.h"

namespace tegnas::engine {
namespace {

constexpr int64_t kHeaderWords = 6, kPrefixWords = 3;
constexpr int64_t kChoose = 101, kOrZeros = 102, kMostOpcodes = 1000;
constexpr int32_t kNothing = -1;
constexpr int64_t kZerosOperands = 3;

[[noreturn]] void fail(int64_t instruction, const char* problem) {
  throw std::invalid_argument("template instruction " + std::to_string(instruction) + ": " +
                              problem + ".");
}

// Operands that are values, of an instruction that isn't a choice; what it is, the programs that
// are written are asked.
int64_t inputs_of(int64_t opcode) {
  return is_op(opcode) ? description_of(static_cast<Op>(opcode)).inputs : 1;
}

}  // namespace

ProgramTemplate::ProgramTemplate(const int64_t* words, int64_t count)
    : words_(words, words + count) {
  if (count < kHeaderWords) throw std::invalid_argument("a template has a header of 6 words.");
  edges_ = words_[3];
  whole_ = words_[4] != 0;
  const int64_t instructions = words_[5];
  if (edges_ < 0 || instructions < 1 || instructions > count) {
    throw std::invalid_argument("template header: a number is out of range.");
  }
  if (count > INT32_MAX) throw std::invalid_argument("a template has less than 2^31 words.");
  if (edges_ > count) throw std::invalid_argument("the template has edges without options.");
  fewest_options_.assign(edges_, count);
  int64_t at = kHeaderWords;
  for (int64_t i = 0; i < instructions; ++i) {
    if (count - at < kPrefixWords || words_[at + 1] < kPrefixWords || words_[at + 1] > count - at) {
      fail(i, "its length runs past the end of the template");
    }
    if (words_[at] < 0 || words_[at] > kMostOpcodes) fail(i, "there is no such instruction");
    Instruction instruction{static_cast<int32_t>(words_[at]), words_[at + 2] != 0,
                            words_.data() + at + kPrefixWords,
                            static_cast<int32_t>(words_[at + 1] - kPrefixWords), 1};
    at += words_[at + 1];
    const auto inputs = static_cast<int32_t>(inputs_of(instruction.opcode));
    int64_t begin = 0;
    if (instruction.opcode == kChoose) {
      if (instruction.count < 2 || instruction.operands[0] < 0 ||
          instruction.operands[0] >= edges_) {
        fail(i, "it names no edge, or no option");
      }
      int64_t& fewest = fewest_options_[instruction.operands[0]];
      fewest = std::min<int64_t>(fewest, instruction.count - 1);
      begin = 1;
      instruction.inputs = instruction.count;
    } else if (inputs == kEveryOperand) {
      instruction.inputs = instruction.count;
    } else if (instruction.count < inputs ||
               (instruction.opcode == kOrZeros && instruction.count != 1 + kZerosOperands)) {
      fail(i, "it has too few words");
    } else {
      instruction.inputs = inputs;
    }
    for (int64_t k = begin; k < instruction.inputs; ++k) {
      const int64_t value = instruction.operands[k];
      const bool nothing = instruction.opcode == kChoose && value == kNothing;
      if (!nothing && (value < 0 || value > i)) fail(i, "it reads what is not defined before it");
    }
    instructions_.push_back(instruction);
  }
  if (at != count)
    throw std::invalid_argument("the template has words after its last instruction.");
}

void ProgramTemplate::write(const int64_t* options, int64_t parameters, TemplateScratch& scratch,
                            std::vector<int64_t>& words) const {
  for (int64_t edge = 0; edge < edges_; ++edge) {
    if (options[edge] < 0 || options[edge] >= fewest_options_[edge]) {
      throw std::invalid_argument("option " + std::to_string(options[edge]) + " of edge " +
                                  std::to_string(edge) + " does not exist.");
    }
  }
  const auto count = static_cast<int32_t>(instructions_.size());
  const auto chosen = [&](const Instruction& choose) {
    return choose.operands[1 + options[choose.operands[0]]];
  };
  // By value of the template: whether the last one may need it. Most belong to options that aren't
  // chosen.
  std::vector<char>& reached = scratch.reached;
  reached.assign(count + 1, false);
  std::vector<int32_t>& backwards = scratch.backwards;  // the instructions that define such values
  backwards.clear();
  reached[count] = true;
  for (int32_t i = count - 1; i >= 0; --i) {
    const Instruction& instruction = instructions_[i];
    if (!reached[i + 1] && (!whole_ || instruction.optional)) continue;
    backwards.push_back(i);
    if (instruction.opcode == kChoose) {
      if (chosen(instruction) != kNothing) reached[chosen(instruction)] = true;
      continue;
    }
    for (int64_t k = 0; k < instruction.inputs; ++k) reached[instruction.operands[k]] = true;
  }

  // The value that stands for each, or nothing.
  std::vector<int32_t>& stands = scratch.stands;
  stands.assign(count + 1, 0);
  for (auto at = backwards.rbegin(); at != backwards.rend(); ++at) {
    const Instruction& instruction = instructions_[*at];
    int32_t& made = stands[*at + 1];
    made = *at + 1;
    if (instruction.opcode == kChoose) {
      made = chosen(instruction) == kNothing ? kNothing : stands[chosen(instruction)];
    } else if (instruction.opcode == kOrZeros) {
      const int32_t value = stands[instruction.operands[0]];
      if (value != kNothing) made = value;
    } else {
      int64_t there = 0;
      int32_t one = kNothing;
      for (int64_t k = 0; k < instruction.inputs; ++k) {
        const int32_t value = stands[instruction.operands[k]];
        if (value == kNothing) continue;
        ++there;
        one = value;
      }
      if (static_cast<Op>(instruction.opcode) == Op::add) {
        if (there < 2) made = one;
      } else if (there < instruction.inputs) {
        made = kNothing;
      }
    }
  }
  if (stands[count] < 1) throw std::invalid_argument("with these options nothing is left.");

  // What is written, backwards from what is wanted.
  std::vector<char>& needed = scratch.needed;
  needed.assign(count + 1, false);
  needed[stands[count]] = true;
  int64_t kept = 0;
  for (const int32_t i : backwards) {
    const Instruction& instruction = instructions_[i];
    const int32_t made = stands[i + 1];
    if (whole_ && !instruction.optional && made != kNothing) needed[made] = true;
    if (made != i + 1 || !needed[i + 1]) continue;
    ++kept;
    if (instruction.opcode == kOrZeros) continue;
    for (int64_t k = 0; k < instruction.inputs; ++k) {
      const int32_t value = stands[instruction.operands[k]];
      if (value != kNothing) needed[value] = true;
    }
  }

  // An instruction has a word less than in the template, and the two headers are as long.
  scratch.words.resize(words_.size());
  int64_t* to = scratch.words.data();
  for (const int64_t word : {int64_t{1}, words_[0], words_[1], words_[2], parameters, kept}) {
    *to++ = word;
  }
  std::vector<int32_t>& number = scratch.number;  // of the new values
  number.resize(count + 1);
  number[0] = 0;
  int32_t next = 1;
  for (auto at = backwards.rbegin(); at != backwards.rend(); ++at) {
    const int32_t value = *at + 1;
    if (stands[value] != value || !needed[value]) continue;
    number[value] = next++;
    const Instruction& instruction = instructions_[*at];
    const bool zeros = instruction.opcode == kOrZeros;
    int64_t* const begin = to;
    to += 2;
    for (int32_t k = 0; k < instruction.inputs && !zeros; ++k) {
      const int32_t read = stands[instruction.operands[k]];
      if (read != kNothing) *to++ = number[read];
    }
    for (int32_t k = instruction.inputs; k < instruction.count; ++k) {
      *to++ = instruction.operands[k];
    }
    begin[0] = zeros ? static_cast<int64_t>(Op::zeros) : instruction.opcode;
    begin[1] = to - begin;
  }
  words.insert(words.end(), scratch.words.data(), to);
}

}  // namespace tegnas::engine
