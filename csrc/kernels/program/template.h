// Templates of programs: what the programs of all architectures of a space have in common.
//
// A template is a program (program.h) in which every option of every edge is written out, with two
// instructions more. A program is written from it by choosing an option for every edge, in a
// fraction of the time that it takes to write it anew.
//
//   header       [channels, height, width, edges, whole (0 or 1), instructions]
//   instruction  [opcode, words, optional (0 or 1), operands...]
//
//   op                code  operands after [opcode, words, optional]
//   choose             101  edge, value, value, ...      that of the option chosen for the edge; -1
//                                                        stands for nothing
//   or_zeros           102  in, channels, height, width  zeros of this shape where `in` is nothing
//
// What reads nothing is nothing itself, but for a sum, which leaves such terms out. `optional`
// instructions belong to an option. Written is what the last value needs; of a `whole` template
// also every instruction that isn't optional. Values are numbered anew; their order stays.
#pragma once

#include <cstdint>
#include <vector>

namespace tegnas::engine {

// What is needed while a program is written, kept for the next one; by value of the template.
struct TemplateScratch {
  std::vector<char> reached, needed;
  std::vector<int32_t> stands, number;
  std::vector<int32_t> backwards;  // instructions
  std::vector<int64_t> words;      // of the program
};

class ProgramTemplate {
 public:
  // Throws std::invalid_argument where the words are not a template.
  ProgramTemplate(const int64_t* words, int64_t count);

  int64_t edges() const { return edges_; }

  // Appends the words of the program with these options, one for each edge, that reads a vector of
  // so many parameters. Throws std::invalid_argument where an option isn't there or nothing is
  // left.
  void write(const int64_t* options, int64_t parameters, TemplateScratch& scratch,
             std::vector<int64_t>& words) const;

 private:
  struct Instruction {
    int32_t opcode;
    bool optional;
    const int64_t* operands;
    int32_t count;   // of operands
    int32_t inputs;  // of which come first
  };

  std::vector<int64_t> words_;
  int64_t edges_ = 0;
  bool whole_ = false;
  std::vector<Instruction> instructions_;  // instruction i defines value i + 1
  std::vector<int64_t> fewest_options_;    // by edge, of the instructions that choose for it
};

}  // namespace tegnas::engine
