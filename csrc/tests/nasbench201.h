// NAS-Bench-201 proxy networks as programs, for tests and the benchmark.
#pragma once

#include <string>
#include <vector>

#include "engine_writer.h"

namespace tegnas::test {

inline Window square(int64_t k, int64_t stride, int64_t pad) {
  Window w;
  w.kh = w.kw = k;
  w.sh = w.sw = stride;
  w.ph = w.pw = pad;
  return w;
}

class Nasbench201 {
 public:
  // ops: six characters in the order 0>1, 0>2, 1>2, 0>3, 1>3, 2>3; n none, s skip, 1 conv1x1,
  // 3 conv3x3, p average pool.
  static Writer proxy(const std::string& ops, int64_t channels = 3, int64_t size = 32) {
    return network(ops, channels, size, 1, true);
  }

  static Writer thin(const std::string& ops) { return thin_network(ops, 3, 1); }

  // What the preset `best` scores: three cells per stage and images of 8×8, only the cells in the
  // searched; three cells and inputs of 2×2.
  static Writer deep(const std::string& ops) { return network(ops, 3, 8, 3, false); }
  static Writer deep_thin(const std::string& ops) { return thin_network(ops, 2, 3); }

 private:
  static Writer network(const std::string& ops, int64_t channels, int64_t size, int64_t cells,
                        bool reductions_searched) {
    Writer w({3, size, size});
    int64_t x = w.norm(w.conv(0, channels, square(3, 1, 1), 1, false, false), true, false);
    for (int64_t stage = 0; stage < 3; ++stage) {
      if (stage > 0) x = reduction(w, x, channels << stage, reductions_searched);
      for (int64_t k = 0; k < cells; ++k) x = cell(w, x, ops);
    }
    x = w.relu(w.norm(x, true, false), true);
    w.linear(w.global_avg_pool(x), 10, true, false);
    return w;
  }

  static Writer thin_network(const std::string& ops, int64_t size, int64_t cells) {
    Writer w({1, size, size});
    int64_t x = 0;
    for (int64_t k = 0; k < cells; ++k) x = cell(w, x, ops);
    w.relu(w.norm(x, true, false), true);
    return w;
  }

  static int64_t relu_conv_norm(Writer& w, int64_t x, int64_t out, const Window& window,
                                bool searched = true) {
    return w.norm(w.conv(w.relu(x, true), out, window, 1, false, searched), true, searched);
  }

  static int64_t reduction(Writer& w, int64_t x, int64_t out, bool searched) {
    const int64_t a = relu_conv_norm(w, x, out, square(3, 2, 1), searched);
    const int64_t b = relu_conv_norm(w, a, out, square(3, 1, 1), searched);
    const int64_t pooled = w.avg_pool(x, square(2, 2, 0), true);
    return w.add({b, w.conv(pooled, out, square(1, 1, 0), 1, false, searched)});
  }

  static int64_t cell(Writer& w, int64_t x, const std::string& ops) {
    std::vector<int64_t> nodes{x};
    size_t edge = 0;
    for (int64_t node = 1; node < 4; ++node) {
      std::vector<int64_t> in;
      for (int64_t from = 0; from < node; ++from) {
        const int64_t s = nodes[from];
        const int64_t c = w.shape(s).c;
        switch (ops[edge++]) {
          case 's':
            in.push_back(s);
            break;
          case '1':
            in.push_back(relu_conv_norm(w, s, c, square(1, 1, 0)));
            break;
          case '3':
            in.push_back(relu_conv_norm(w, s, c, square(3, 1, 1)));
            break;
          case 'p':
            in.push_back(w.avg_pool(s, square(3, 1, 1), false));
            break;
          default:
            break;
        }
      }
      nodes.push_back(in.empty() ? w.zeros(w.shape(x)) : w.add(in));
    }
    return nodes.back();
  }
};

}  // namespace tegnas::test
