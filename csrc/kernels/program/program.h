// The program format: a network as a flat list of instructions over numbered values.
//
// ENCODING. A program is a sequence of int64 words: a header, then the instructions.
//
//   header       [1, channels, height, width, parameters, instructions]
//                 ^ version of the format
//   instruction  [opcode, words, operands...]     words = length including these two
//
// Value 0 is the input image (channels, height, width); instruction i (from 0) defines value i+1
// and reads values of smaller number only. Every value has a shape (C, H, W); C may be 0, H and W
// are at least 1; the limits below hold. `weight`, `bias`, `factor` are offsets into the parameter
// vector of the job (float32 or float64, `parameters` long); an optional one is -1 where absent.
// The last instruction defines the logits, shape (K, 1, 1), where a kernel is asked for.
//
// The instructions and their operands: instructions.h.
//
// Pools round the output size down and have no dilation. Batch norm always uses the statistics of
// the batch (biased variance). Weights of two instructions must not overlap in the parameter
// vector: a shared weight has one column in the Jacobian, which this format cannot say.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "kernels/program/functions.h"
#include "kernels/program/instructions.h"

namespace tegnas::engine {

// What a program may ask for. Far above any network that fits a machine, and low enough that
// tables by row, by channel or by tap stay small and positions in a value fit 32 bits.
constexpr int64_t kMostExtent = int64_t{1} << 20;   // channels, height, width; numbers of a pad
constexpr int64_t kMostNumbers = int64_t{1} << 28;  // of one value, for one image
constexpr int64_t kMostInAll = int64_t{1} << 40;    // of all values, and of the parameters
constexpr int64_t kMostTaps = int64_t{1} << 24;     // weights of one output or input channel
constexpr int64_t kMostWindow = 1024;               // kernel, stride, padding, dilation
// Of one batch. No program's size but its number of images decides over the size of a kernel.
constexpr int64_t kMostImages = int64_t{1} << 24;

struct Shape {
  int64_t c = 0, h = 0, w = 0;
  int64_t pixels() const { return h * w; }
  int64_t size() const { return c * h * w; }
  // Rows and pixels are walked through even where there are no channels.
  int64_t extent() const { return (c > 0 ? c : 1) * h * w; }
  bool operator==(const Shape& o) const { return c == o.c && h == o.h && w == o.w; }
};

// Geometry of a sliding window: convolutions use all of it, pools have dilation 1.
struct Window {
  int64_t kh = 1, kw = 1, sh = 1, sw = 1, ph = 0, pw = 0, dh = 1, dw = 1;
  bool operator==(const Window& o) const {
    return kh == o.kh && kw == o.kw && sh == o.sh && sw == o.sw && ph == o.ph && pw == o.pw &&
           dh == o.dh && dw == o.dw;
  }
};

// The values that an instruction reads: a few numbers, nearly always without memory of their own.
class Inputs {
 public:
  Inputs() = default;

  void push_back(int64_t value) {
    if (count_ == kFew) many_.assign(few_, few_ + kFew);
    if (count_ < kFew) {
      few_[count_] = value;
    } else {
      many_.push_back(value);
    }
    ++count_;
  }

  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  const int64_t* begin() const { return count_ <= kFew ? few_ : many_.data(); }
  const int64_t* end() const { return begin() + count_; }
  int64_t operator[](size_t index) const { return begin()[index]; }

 private:
  static constexpr size_t kFew = 4;

  int64_t few_[kFew] = {};
  std::vector<int64_t> many_;  // all of them, where they are more
  size_t count_ = 0;
};

struct Instruction {
  // Written out, because for one that isn't every byte is set to zero first, which takes a third of
  // the time in which a program is read.
  Instruction() {}  // NOLINT

  Op op{};
  Inputs in;                       // numbers of the values read
  Window window;                   // conv2d and pools
  int64_t groups = 1;              // conv2d
  int64_t weight = -1, bias = -1;  // offsets into the parameter vector, -1 where absent
  int64_t weights = 0;             // how many: those whose gradients the kernel is made of
  int64_t factor = -1;             // scale
  double eps = 0;                  // batch_norm
  int64_t left = 0, right = 0, top = 0, bottom = 0;  // pad
  bool count_include_pad = false;                    // avg_pool
  bool searched = false;                // its weights are among those that are searched
  bool counted = false;                 // relu, activation: belongs to the activation pattern
  Function function = Function::relu6;  // activation
  double below = 0;                     // activation: the factor below zero
};

struct Program {
  std::vector<Instruction> instructions;  // instruction i defines value i + 1
  std::vector<Shape> shapes;              // of every value; shapes[0] is the input image
  int64_t parameters = 0;

  int64_t values() const { return static_cast<int64_t>(shapes.size()); }
  const Instruction& defines(int64_t value) const { return instructions[value - 1]; }
};

// Decodes and checks a program. Throws std::invalid_argument with one sentence that names the
// instruction where the words are not a valid program.
Program parse_program(const int64_t* words, int64_t count);

// The same in place of another program, whose memory is used again.
void parse_program(const int64_t* words, int64_t count, Program& program);

// Of a relu or an activation.
Thresholds thresholds_of(const Instruction& instruction);

// The shape of a sliding window's output along one axis; less than 1 where the window doesn't fit.
inline int64_t window_output(int64_t size, int64_t kernel, int64_t stride, int64_t pad,
                             int64_t dilation) {
  const int64_t room = size + 2 * pad - dilation * (kernel - 1) - 1;
  if (room < 0) return 0;
  return (stride == 1 ? room : room / stride) + 1;
}

}  // namespace tegnas::engine
