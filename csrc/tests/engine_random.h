// Random programs and their inputs, the same for the same seed.
#pragma once

#include <algorithm>
#include <random>
#include <vector>

#include "engine_samples.h"

namespace tegnas::test {

class Random {
 public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  // From [low, high]; own arithmetic, because the standard's distributions differ by library.
  int64_t between(int64_t low, int64_t high) {
    return low + static_cast<int64_t>(engine_() % static_cast<uint64_t>(high - low + 1));
  }
  bool one_in(int64_t n) { return between(1, n) == 1; }
  double normal() {
    double sum = 0;
    for (int k = 0; k < 12; ++k) sum += static_cast<double>(engine_() >> 11) * 0x1p-53;
    return sum - 6;
  }
  std::vector<double> normals(int64_t count, double scale) {
    std::vector<double> numbers(count);
    // Rounded to float32, so that both precisions see the same network.
    for (double& number : numbers) number = static_cast<float>(normal() * scale);
    return numbers;
  }

 private:
  std::mt19937_64 engine_;
};

struct RandomLimits {
  int64_t instructions = 12, channels = 17, height = 12, width = 12, classes = 4;
};

inline Window random_window(Random& r, const Shape& s, bool conv) {
  const auto axis = [&](int64_t size, int64_t& k, int64_t& stride, int64_t& pad,
                        int64_t& dilation) {
    k = r.one_in(2) ? 3 : r.between(1, 5);
    stride = r.one_in(3) ? r.between(1, 3) : 1;
    pad = r.one_in(2) ? k / 2 : r.between(0, conv ? k : k / 2);
    dilation = conv && r.one_in(5) ? r.between(1, 3) : 1;
    while (engine::window_output(size, k, stride, pad, dilation) < 1) {
      k = 1;
      dilation = 1;
      pad = 0;
    }
  };
  Window w;
  axis(s.h, w.kh, w.sh, w.ph, w.dh);
  axis(s.w, w.kw, w.sw, w.pw, w.dw);
  return w;
}

// Adds one random function of a value.
inline int64_t add_random_function(Writer& writer, Random& r, int64_t in) {
  const std::vector<engine::Function> all = functions();
  const engine::Function function = all[r.between(0, static_cast<int64_t>(all.size()) - 1)];
  return writer.activation(in, function, !r.one_in(3), some_below(function, 0.25));
}

// Multiplies a value by a gate between 0 and 1: of the value itself, of its channels as
// squeeze-and-excitation has it, or of another value of its shape.
inline void add_random_gate(Writer& writer, Random& r, int64_t in, int64_t other) {
  int64_t gate = r.one_in(2) ? other : in;
  if (r.one_in(2)) {
    gate = writer.global_avg_pool(gate);
    if (!r.one_in(3)) gate = writer.conv(gate, writer.shape(in).c, Window(), 1, true, r.one_in(2));
  }
  gate = writer.activation(
      gate, r.one_in(2) ? engine::Function::sigmoid : engine::Function::hardsigmoid, r.one_in(2));
  if (r.one_in(2)) {
    writer.product(in, gate);
  } else {
    writer.product(gate, in);
  }
}

// Adds one random instruction that reads earlier values.
inline void add_random_instruction(Writer& writer, Random& r, const RandomLimits& limits) {
  const auto any = [&] {
    // Mostly recent values, so that programs grow deep.
    const int64_t values = writer.values();
    return r.one_in(3) ? r.between(0, values - 1)
                       : values - 1 - r.between(0, std::min<int64_t>(values - 1, 2));
  };
  const int64_t in = any();
  const Shape s = writer.shape(in);
  const auto alike = [&](bool any_channels) {
    std::vector<int64_t> values{in};
    for (int64_t v = 0; v < writer.values(); ++v) {
      const Shape o = writer.shape(v);
      if (o.h == s.h && o.w == s.w && (any_channels ? o.c + s.c <= 20 : o.c == s.c) &&
          r.one_in(2)) {
        if (values.size() < 4) values.push_back(v);
      }
    }
    return values;
  };
  switch (r.between(0, 20)) {
    case 0:
    case 1:
    case 2:
    case 3: {
      int64_t groups = 1, out = r.between(1, limits.channels);
      if (r.one_in(12)) out = 0;
      if (s.c > 0 && r.one_in(3)) {
        groups = r.one_in(2) ? s.c : (s.c % 2 == 0 ? 2 : 1);
        out = groups * r.between(1, std::max<int64_t>(1, limits.channels / groups));
      }
      writer.conv(in, out, random_window(r, s, true), groups, r.one_in(3), r.one_in(2));
      if (r.one_in(3)) return;
      writer.norm(writer.values() - 1, !r.one_in(4), r.one_in(2), 1e-3);
      return;
    }
    case 4:
    case 5:
      writer.relu(in, !r.one_in(3));
      return;
    case 6:
      writer.norm(in, !r.one_in(4), r.one_in(2), 1e-3);
      return;
    case 7:
      writer.avg_pool(in, random_window(r, s, false), r.one_in(2));
      return;
    case 8:
      writer.max_pool(in, random_window(r, s, false));
      return;
    case 9:
    case 10:
    case 11:
      writer.add(alike(false));
      return;
    case 12:
      writer.concat(alike(true));
      return;
    case 13:
      writer.scale(in);
      return;
    case 14: {
      const int64_t left = r.between(-1, 2), right = r.between(-1, 2), top = r.between(-1, 2),
                    bottom = r.between(-1, 2);
      if (s.h + top + bottom >= 1 && s.w + left + right >= 1)
        writer.pad(in, left, right, top, bottom);
      return;
    }
    case 15:
      if (r.one_in(3)) writer.zeros(s);
      return;
    case 16:
    case 17:
      add_random_function(writer, r, in);
      return;
    case 18:
    case 19: {
      const std::vector<int64_t> values = alike(false);
      add_random_gate(writer, r, in, values.back());
      return;
    }
    default: {
      // A product of any two grows as their powers do: a norm keeps float32 from its end.
      const std::vector<int64_t> values = alike(false);
      writer.norm(writer.product(in, values.back()), true, r.one_in(2), 1e-3);
    }
  }
}

// Some begin with the sample of an instruction.
inline Writer random_beginning(Random& r, const RandomLimits& limits) {
  static const std::vector<Sample> all = samples();
  if (r.one_in(6)) return all[r.between(0, static_cast<int64_t>(all.size()) - 1)].writer;
  return Writer({r.between(1, 4), r.between(3, limits.height), r.between(3, limits.width)});
}

inline Writer random_program(Random& r, const RandomLimits& limits) {
  Writer writer = random_beginning(r, limits);
  const int64_t count = r.between(1, limits.instructions);
  for (int64_t k = 0; k < count; ++k) add_random_instruction(writer, r, limits);
  int64_t last = writer.values() - 1;
  if (r.one_in(2)) last = writer.norm(last, true, false, 1e-3);
  if (r.one_in(2)) last = writer.relu(last, true);
  if (!r.one_in(4)) last = writer.global_avg_pool(last);
  last = writer.linear(last, r.between(1, limits.classes), r.one_in(2), r.one_in(4));
  if (r.one_in(12)) last = writer.relu(last);
  if (r.one_in(12)) last = add_random_function(writer, r, last);
  if (r.one_in(12)) writer.norm(last, true, false, 1e-3);
  return writer;
}

}  // namespace tegnas::test
