#include "kernels/program/program.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <stdexcept>
#include <utility>

#include "kernels/checked.h"

namespace tegnas::engine {
namespace {

constexpr int64_t kVersion = 1;
constexpr int64_t kHeaderWords = 6;

struct Range {
  int64_t begin, end, instruction;
};

// Reads the words of one instruction and phrases its errors.
class Reader {
 public:
  Reader(const Program& program, const int64_t* words, int64_t count, int64_t index, Op op)
      : program_(program), words_(words), count_(count), index_(index), op_(op) {}

  // Apart from what reads, so that reading is a few operations that are compiled in place.
  [[noreturn, gnu::cold, gnu::noinline]] void fail(const std::string& problem) const {
    const bool known = is_op(static_cast<int64_t>(op_));
    throw std::invalid_argument("program instruction " + std::to_string(index_) + " (" +
                                (known ? description_of(op_).name : "unknown") + "): " + problem +
                                ".");
  }

  int64_t left() const { return count_ - at_; }

  int64_t word() {
    if (at_ >= count_) fail_short();
    return words_[at_++];
  }

  int64_t between(const char* name, int64_t low, int64_t high) {
    const int64_t value = word();
    if (value < low || value > high) fail_between(name, low, high, value);
    return value;
  }

  int64_t input() {
    const int64_t value = word();
    if (value < 0 || value > index_) fail_undefined(value);
    return value;
  }

  // A float64 by its bits; at least `least`.
  double number(const char* name, double least) {
    const int64_t bits = word();
    double value;
    std::memcpy(&value, &bits, sizeof bits);
    if (!(value >= least && value < std::numeric_limits<double>::infinity())) {
      fail(std::string(name) + " must be a finite float64" + (least == 0 ? " of at least 0" : ""));
    }
    return value;
  }

  // The offset of `size` parameters; -1 is allowed where they are optional.
  int64_t parameters(const char* name, int64_t size, bool optional) {
    const int64_t offset = word();
    if (optional && offset == -1) return offset;
    if (offset < 0 || size > program_.parameters || offset > program_.parameters - size) {
      fail_outside(name, offset, size);
    }
    return offset;
  }

  void end() const {
    if (at_ != count_) fail_long();
  }

  const Shape& shape(int64_t value) const { return program_.shapes[value]; }

  std::string shape_text(int64_t value) const {
    const Shape s = shape(value);
    return "(" + std::to_string(s.c) + ", " + std::to_string(s.h) + ", " + std::to_string(s.w) +
           ")";
  }

 private:
  [[noreturn, gnu::cold, gnu::noinline]] void fail_short() const { fail("it has too few words"); }
  [[noreturn, gnu::cold, gnu::noinline]] void fail_long() const {
    fail("it has " + std::to_string(count_ - at_) + " words too many");
  }
  [[noreturn, gnu::cold, gnu::noinline]] void fail_between(const char* name, int64_t low,
                                                           int64_t high, int64_t value) const {
    fail(std::string(name) + " must be between " + std::to_string(low) + " and " +
         std::to_string(high) + ", got " + std::to_string(value));
  }
  [[noreturn, gnu::cold, gnu::noinline]] void fail_undefined(int64_t value) const {
    fail("it reads value " + std::to_string(value) + ", which is not defined before it");
  }
  [[noreturn, gnu::cold, gnu::noinline]] void fail_outside(const char* name, int64_t offset,
                                                           int64_t size) const {
    fail(std::string(name) + " [" + std::to_string(offset) + ", +" + std::to_string(size) +
         ") lies outside the parameter vector of " + std::to_string(program_.parameters));
  }

  const Program& program_;
  const int64_t* words_;
  int64_t count_, index_;
  Op op_;
  int64_t at_ = 0;
};

Window read_window(Reader& r, bool dilated) {
  Window w;
  w.kh = r.between("kernel height", 1, kMostWindow);
  w.kw = r.between("kernel width", 1, kMostWindow);
  w.sh = r.between("vertical stride", 1, kMostWindow);
  w.sw = r.between("horizontal stride", 1, kMostWindow);
  w.ph = r.between("vertical padding", 0, kMostWindow);
  w.pw = r.between("horizontal padding", 0, kMostWindow);
  if (dilated) {
    w.dh = r.between("vertical dilation", 1, kMostWindow);
    w.dw = r.between("horizontal dilation", 1, kMostWindow);
  }
  return w;
}

Shape window_shape(const Reader& r, int64_t channels, int64_t in, const Window& w) {
  const Shape s = r.shape(in);
  const Shape out{channels, window_output(s.h, w.kh, w.sh, w.ph, w.dh),
                  window_output(s.w, w.kw, w.sw, w.pw, w.dw)};
  if (out.h < 1 || out.w < 1) {
    r.fail("the window does not fit into its input " + r.shape_text(in));
  }
  return out;
}

void read_weights(Reader& r, Instruction& i, int64_t count, bool optional) {
  i.weight = r.parameters("weight", count, optional);
  i.weights = i.weight < 0 ? 0 : count;
}

void read_flags(Reader& r, bool& flag) { flag = r.between("flags", 0, 1) != 0; }

Shape read_conv(Reader& r, Instruction& i) {
  i.in.push_back(r.input());
  const int64_t out = r.between("output channels", 0, kMostExtent);
  i.window = read_window(r, true);
  const int64_t channels = r.shape(i.in[0]).c;
  i.groups = r.between("groups", 1, kMostExtent);
  // Divisions take longer than all else here, and most convolutions have one group.
  if (i.groups > 1 && (channels % i.groups != 0 || out % i.groups != 0)) {
    r.fail(std::to_string(i.groups) + " groups do not divide " + std::to_string(channels) +
           " input and " + std::to_string(out) + " output channels");
  }
  const Shape shape = window_shape(r, out, i.in[0], i.window);
  const int64_t taps = i.window.kh * i.window.kw;
  const auto of_group = [&](int64_t all) { return i.groups == 1 ? all : all / i.groups; };
  if (taps * std::max<int64_t>(1, of_group(std::max(channels, out))) > kMostTaps) {
    r.fail("its kernel has more than 2^24 weights for one channel");
  }
  read_weights(r, i, out * of_group(channels) * taps, false);
  i.bias = r.parameters("bias", out, true);
  read_flags(r, i.searched);
  return shape;
}

Shape read_batch_norm(Reader& r, Instruction& i) {
  i.in.push_back(r.input());
  i.eps = r.number("eps", 0);
  const Shape s = r.shape(i.in[0]);
  read_weights(r, i, s.c, true);
  i.bias = r.parameters("bias", s.c, true);
  read_flags(r, i.searched);
  return s;
}

Shape read_pool(Reader& r, Instruction& i) {
  i.in.push_back(r.input());
  i.window = read_window(r, false);
  if (2 * i.window.ph > i.window.kh || 2 * i.window.pw > i.window.kw) {
    r.fail("padding must be at most half of the kernel");
  }
  if (i.op == Op::avg_pool) i.count_include_pad = r.between("count_include_pad", 0, 1) != 0;
  return window_shape(r, r.shape(i.in[0]).c, i.in[0], i.window);
}

Shape read_joined(Reader& r, Instruction& i) {
  if (r.left() == 0) r.fail("it needs at least one input");
  while (r.left() > 0) i.in.push_back(r.input());
  Shape s = r.shape(i.in[0]);
  for (size_t k = 1; k < i.in.size(); ++k) {
    const Shape other = r.shape(i.in[k]);
    const bool fits = i.op == Op::add ? other == s : other.h == s.h && other.w == s.w;
    if (!fits) {
      r.fail("its inputs have the shapes " + r.shape_text(i.in[0]) + " and " +
             r.shape_text(i.in[k]) + ", which do not fit together");
    }
    if (i.op == Op::concat) s.c = std::min(s.c + other.c, kMostExtent + 1);  // refused below
  }
  return s;
}

Shape read_zeros(Reader& r) {
  Shape s;
  s.c = r.between("channels", 0, kMostExtent);
  s.h = r.between("height", 1, kMostExtent);
  s.w = r.between("width", 1, kMostExtent);
  return s;
}

Shape read_pad(Reader& r, Instruction& i) {
  i.in.push_back(r.input());
  i.left = r.between("left", -kMostExtent, kMostExtent);
  i.right = r.between("right", -kMostExtent, kMostExtent);
  i.top = r.between("top", -kMostExtent, kMostExtent);
  i.bottom = r.between("bottom", -kMostExtent, kMostExtent);
  Shape s = r.shape(i.in[0]);
  s.h += i.top + i.bottom;
  s.w += i.left + i.right;
  if (s.h < 1 || s.w < 1) r.fail("nothing of its input " + r.shape_text(i.in[0]) + " is left");
  return s;
}

Shape read_linear(Reader& r, Instruction& i) {
  i.in.push_back(r.input());
  const int64_t out = r.between("output features", 0, kMostExtent);
  read_weights(r, i, out * r.shape(i.in[0]).size(), false);
  i.bias = r.parameters("bias", out, true);
  read_flags(r, i.searched);
  return {out, 1, 1};
}

Shape read_product(Reader& r, Instruction& i) {
  i.in.push_back(r.input());
  i.in.push_back(r.input());
  const Shape a = r.shape(i.in[0]), b = r.shape(i.in[1]);
  const bool fits = a.c == b.c && (a == b || a.pixels() == 1 || b.pixels() == 1);
  if (!fits) {
    r.fail("its inputs have the shapes " + r.shape_text(i.in[0]) + " and " + r.shape_text(i.in[1]) +
           ", which do not fit together");
  }
  return a.pixels() == 1 ? b : a;
}

Shape read_activation(Reader& r, Instruction& i) {
  i.in.push_back(r.input());
  const int64_t number = r.word();
  if (!is_function(number)) r.fail("unknown function");
  i.function = static_cast<Function>(number);
  i.below = r.number("the factor below zero", std::numeric_limits<double>::lowest());
  const FunctionDescription& function = description_of(i.function);
  if (!function.below && i.below != 0) {
    r.fail(std::string(function.name) + " has no factor below zero to be chosen");
  }
  read_flags(r, i.counted);
  return r.shape(i.in[0]);
}

Shape read_operands(Reader& r, Instruction& i) {
  switch (i.op) {
    case Op::conv2d:
      return read_conv(r, i);
    case Op::batch_norm:
      return read_batch_norm(r, i);
    case Op::relu:
      i.in.push_back(r.input());
      read_flags(r, i.counted);
      return r.shape(i.in[0]);
    case Op::avg_pool:
    case Op::max_pool:
      return read_pool(r, i);
    case Op::add:
    case Op::concat:
      return read_joined(r, i);
    case Op::zeros:
      return read_zeros(r);
    case Op::scale:
      i.in.push_back(r.input());
      i.factor = r.parameters("factor", 1, false);
      return r.shape(i.in[0]);
    case Op::pad:
      return read_pad(r, i);
    case Op::global_avg_pool:
      i.in.push_back(r.input());
      return {r.shape(i.in[0]).c, 1, 1};
    case Op::linear:
      return read_linear(r, i);
    case Op::product:
      return read_product(r, i);
    case Op::activation:
      return read_activation(r, i);
    case Op::none:
      break;
  }
  r.fail("unknown opcode");
}

bool is_too_large(const Shape& shape) {
  return shape.c > kMostExtent || shape.h > kMostExtent || shape.w > kMostExtent ||
         shape.extent() > kMostNumbers;
}

void check_no_shared_weights(const Program& program) {
  std::vector<Range> ranges;
  ranges.reserve(program.instructions.size());
  for (int64_t value = 1; value < program.values(); ++value) {
    const int64_t count = program.defines(value).weights;
    const int64_t begin = program.defines(value).weight;
    if (count > 0) ranges.push_back({begin, begin + count, value - 1});
  }
  const auto before = [](const Range& a, const Range& b) { return a.begin < b.begin; };
  if (!std::is_sorted(ranges.begin(), ranges.end(), before)) {
    std::sort(ranges.begin(), ranges.end(), before);
  }
  for (size_t k = 1; k < ranges.size(); ++k) {
    if (ranges[k].begin < ranges[k - 1].end) {
      throw std::invalid_argument("program instructions " +
                                  std::to_string(ranges[k - 1].instruction) + " and " +
                                  std::to_string(ranges[k].instruction) +
                                  " share weights, which the engine does not support.");
    }
  }
}

}  // namespace

Thresholds thresholds_of(const Instruction& instruction) {
  if (instruction.op == Op::relu) return kAboveZero;
  return description_of(instruction.function).thresholds;
}

Program parse_program(const int64_t* words, int64_t count) {
  Program program;
  parse_program(words, count, program);
  return program;
}

void parse_program(const int64_t* words, int64_t count, Program& program) {
  if (count < kHeaderWords || words[0] != kVersion) {
    throw std::invalid_argument(
        "not a program of format version 1: it must start with 1 and have a "
        "header of 6 words.");
  }
  program.instructions.clear();
  program.shapes.clear();
  const Shape input{words[1], words[2], words[3]};
  program.parameters = words[4];
  const int64_t instructions = words[5];
  if (input.c < 0 || input.h < 1 || input.w < 1 || is_too_large(input) || program.parameters < 0 ||
      program.parameters > kMostInAll || instructions < 0) {
    throw std::invalid_argument(
        "program header: the input shape, the number of parameters or the "
        "number of instructions is out of range.");
  }
  // A program has at least two words per instruction, so that this is no more than there is.
  program.instructions.reserve(std::min(instructions, count / 2));
  program.shapes.reserve(std::min(instructions, count / 2) + 1);
  program.shapes.push_back(input);
  Checked in_all = input.extent();
  int64_t at = kHeaderWords;
  for (int64_t index = 0; index < instructions; ++index) {
    if (count - at < 2 || words[at + 1] < 2 || words[at + 1] > count - at) {
      throw std::invalid_argument("program instruction " + std::to_string(index) +
                                  ": its length runs past the end of the program.");
    }
    Instruction& instruction = program.instructions.emplace_back();
    instruction.op = static_cast<Op>(words[at]);
    Reader reader(program, words + at + 2, words[at + 1] - 2, index, instruction.op);
    const Shape shape = read_operands(reader, instruction);
    reader.end();
    if (is_too_large(shape)) reader.fail("its output is too large");
    in_all = in_all + shape.extent();
    if (in_all.value() > kMostInAll) reader.fail("the values up to here are too large together");
    program.shapes.push_back(shape);
    at += words[at + 1];
  }
  if (at != count) {
    throw std::invalid_argument("the program has " + std::to_string(count - at) +
                                " words after its last instruction.");
  }
  check_no_shared_weights(program);
}

}  // namespace tegnas::engine
