// Writes programs word by word, as the Python side does.
#pragma once

#include <cstring>
#include <vector>

#include "kernels/program/program.h"

namespace tegnas::test {

using engine::Shape;
using engine::Window;

class Writer {
 public:
  explicit Writer(const Shape& input) : shapes_{input} {}

  int64_t conv(int64_t in, int64_t out, const Window& w, int64_t groups, bool bias, bool searched) {
    const Shape s = shapes_[in];
    const int64_t weight = take(out * (s.c / groups) * w.kh * w.kw);
    const int64_t b = bias ? take(out) : -1;
    return emit(
        1, {in, out, w.kh, w.kw, w.sh, w.sw, w.ph, w.pw, w.dh, w.dw, groups, weight, b, searched},
        windowed(s, out, w));
  }
  int64_t norm(int64_t in, bool affine, bool searched, double eps = 1e-5) {
    int64_t bits;
    std::memcpy(&bits, &eps, sizeof bits);
    const int64_t weight = affine ? take(shapes_[in].c) : -1;
    const int64_t bias = affine ? take(shapes_[in].c) : -1;
    return emit(2, {in, bits, weight, bias, searched}, shapes_[in]);
  }
  int64_t relu(int64_t in, bool counted = false) { return emit(3, {in, counted}, shapes_[in]); }
  int64_t avg_pool(int64_t in, const Window& w, bool include) {
    return emit(4, {in, w.kh, w.kw, w.sh, w.sw, w.ph, w.pw, include},
                windowed(shapes_[in], shapes_[in].c, w));
  }
  int64_t max_pool(int64_t in, const Window& w) {
    return emit(5, {in, w.kh, w.kw, w.sh, w.sw, w.ph, w.pw},
                windowed(shapes_[in], shapes_[in].c, w));
  }
  int64_t add(const std::vector<int64_t>& in) { return emit(6, in, shapes_[in[0]]); }
  int64_t zeros(const Shape& s) { return emit(7, {s.c, s.h, s.w}, s); }
  int64_t scale(int64_t in) { return emit(8, {in, take(1)}, shapes_[in]); }
  int64_t concat(const std::vector<int64_t>& in) {
    Shape s = shapes_[in[0]];
    for (size_t k = 1; k < in.size(); ++k) s.c += shapes_[in[k]].c;
    return emit(9, in, s);
  }
  int64_t pad(int64_t in, int64_t left, int64_t right, int64_t top, int64_t bottom) {
    Shape s = shapes_[in];
    s.w += left + right;
    s.h += top + bottom;
    return emit(10, {in, left, right, top, bottom}, s);
  }
  int64_t global_avg_pool(int64_t in) { return emit(11, {in}, {shapes_[in].c, 1, 1}); }
  int64_t linear(int64_t in, int64_t out, bool bias, bool searched) {
    const int64_t weight = take(out * shapes_[in].size());
    const int64_t b = bias ? take(out) : -1;
    return emit(12, {in, out, weight, b, searched}, {out, 1, 1});
  }
  int64_t product(int64_t a, int64_t b) { return instruction(engine::Op::product, {a, b}); }
  int64_t activation(int64_t in, engine::Function function, bool counted = false,
                     double below = 0) {
    int64_t bits;
    std::memcpy(&bits, &below, sizeof bits);
    return emit(14, {in, static_cast<int64_t>(function), bits, counted}, shapes_[in]);
  }

  // Any other, whose shape is asked of the engine.
  int64_t instruction(engine::Op op, const std::vector<int64_t>& operands) {
    const int64_t value = emit(static_cast<int64_t>(op), operands, {});
    shapes_[value] = program().shapes[value];
    return value;
  }
  // The offset of so many parameters more.
  int64_t take(int64_t count) {
    parameters_ += count;
    return parameters_ - count;
  }

  const Shape& shape(int64_t value) const { return shapes_[value]; }
  int64_t values() const { return static_cast<int64_t>(shapes_.size()); }
  int64_t parameters() const { return parameters_; }

  std::vector<int64_t> words() const {
    const Shape s = shapes_[0];
    std::vector<int64_t> words{1, s.c, s.h, s.w, parameters_, values() - 1};
    words.insert(words.end(), code_.begin(), code_.end());
    return words;
  }
  engine::Program program() const {
    const std::vector<int64_t> w = words();
    return engine::parse_program(w.data(), static_cast<int64_t>(w.size()));
  }

 private:
  int64_t emit(int64_t op, const std::vector<int64_t>& operands, const Shape& shape) {
    code_.push_back(op);
    code_.push_back(static_cast<int64_t>(operands.size()) + 2);
    code_.insert(code_.end(), operands.begin(), operands.end());
    shapes_.push_back(shape);
    return values() - 1;
  }
  static Shape windowed(const Shape& s, int64_t c, const Window& w) {
    return {c, engine::window_output(s.h, w.kh, w.sh, w.ph, w.dh),
            engine::window_output(s.w, w.kw, w.sw, w.pw, w.dw)};
  }

  std::vector<int64_t> code_;
  std::vector<Shape> shapes_;
  int64_t parameters_ = 0;
};

}  // namespace tegnas::test
