// The meaning of programs, written as plainly as possible: float64, one loop per index.
#pragma once

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "engine_functions.h"
#include "kernels/program/program.h"

namespace tegnas::test {
namespace reference {

using engine::Instruction;
using engine::Op;
using engine::Program;
using engine::Shape;
using engine::Window;

using Values = std::vector<std::vector<double>>;  // by value: (N, C, H, W)

struct Statistics {
  std::vector<double> mean, inverse;
};

class Network {
 public:
  Network(const Program& program, const std::vector<double>& params, const std::vector<double>& x,
          int64_t n)
      : program_(program),
        params_(params),
        n_(n),
        values_(program.values()),
        statistics_(program.values()) {
    values_[0] = x;
    for (int64_t v = 1; v < program.values(); ++v) {
      values_[v].assign(n * shape(v).size(), 0);
      forward(v);
    }
  }

  const std::vector<double>& value(int64_t v) const { return values_[v]; }

  // Whether an activation or a max pool decides on rounding errors: numbers that are equal in exact
  // arithmetic, such as the mean of a normalised channel and zero.
  bool undecided() const { return undecided_; }

  // (images, parameters): the gradient of sum(seed * logits) by image, weights only. With
  // coupled statistics the parts of one image's row belong to the images they pass through.
  std::vector<double> backward(const std::vector<double>& seed, bool coupled) {
    Values gradients(program_.values());
    for (int64_t v = 0; v < program_.values(); ++v) gradients[v].assign(n_ * shape(v).size(), 0);
    gradients.back() = seed;
    std::vector<double> rows(n_ * program_.parameters, 0);
    for (int64_t v = program_.values() - 1; v > 0; --v) backward(v, gradients, coupled, rows);
    return rows;
  }

 private:
  const Shape& shape(int64_t v) const { return program_.shapes[v]; }
  int64_t at(int64_t v, int64_t n, int64_t c, int64_t y, int64_t x) const {
    const Shape& s = shape(v);
    return ((n * s.c + c) * s.h + y) * s.w + x;
  }
  double parameter(int64_t offset, int64_t k, double otherwise) const {
    return offset < 0 ? otherwise : params_[offset + k];
  }

  // Calls f(output index, input index, ky, kx) for every tap of a window inside the input; the
  // channels are those of the caller.
  template <typename F>
  void taps(const Window& w, const Shape& in, int64_t y, int64_t x, const F& f) const {
    for (int64_t ky = 0; ky < w.kh; ++ky) {
      for (int64_t kx = 0; kx < w.kw; ++kx) {
        const int64_t iy = y * w.sh - w.ph + ky * w.dh, ix = x * w.sw - w.pw + kx * w.dw;
        if (iy >= 0 && iy < in.h && ix >= 0 && ix < in.w) f(iy, ix, ky, kx);
      }
    }
  }

  template <typename F>
  void each(int64_t v, const F& f) const {
    const Shape& s = shape(v);
    for (int64_t n = 0; n < n_; ++n) {
      for (int64_t c = 0; c < s.c; ++c) {
        for (int64_t y = 0; y < s.h; ++y) {
          for (int64_t x = 0; x < s.w; ++x) f(n, c, y, x);
        }
      }
    }
  }

  // Calls f(output, input, weight) for every product of a convolution, indices into the arrays.
  template <typename F>
  void products(int64_t v, const F& f) const {
    const Instruction& i = program_.defines(v);
    const Shape &in = shape(i.in[0]), &out = shape(v);
    const int64_t group_in = in.c / i.groups, group_out = out.c / i.groups;
    each(v, [&](int64_t n, int64_t o, int64_t y, int64_t x) {
      for (int64_t c = 0; c < group_in; ++c) {
        taps(i.window, in, y, x, [&](int64_t iy, int64_t ix, int64_t ky, int64_t kx) {
          f(at(v, n, o, y, x), at(i.in[0], n, o / group_out * group_in + c, iy, ix),
            i.weight + ((o * group_in + c) * i.window.kh + ky) * i.window.kw + kx, n);
        });
      }
    });
  }

  double pool_count(const Instruction& i, int64_t y, int64_t x) const {
    if (i.count_include_pad) return static_cast<double>(i.window.kh * i.window.kw);
    double count = 0;
    taps(i.window, shape(i.in[0]), y, x, [&](int64_t, int64_t, int64_t, int64_t) { ++count; });
    return count;
  }

  void decide(double difference) const {
    undecided_ = undecided_ || (difference != 0 && std::abs(difference) < 1e-12);
  }

  // A function and its derivative at a number.
  Exact<double> respond(const Instruction& i, double x) const {
    for (const double jump : jumps(i.function)) decide(x - jump);
    return exact(i.function, x, i.below);
  }

  // Calls f(output, first factor, second factor), indices into the arrays.
  template <typename F>
  void factors(int64_t v, const F& f) const {
    const int64_t a = program_.defines(v).in[0], b = program_.defines(v).in[1];
    const auto index = [&](int64_t value, int64_t n, int64_t c, int64_t y, int64_t x) {
      return shape(value).pixels() == 1 ? at(value, n, c, 0, 0) : at(value, n, c, y, x);
    };
    each(v, [&](int64_t n, int64_t c, int64_t y, int64_t x) {
      f(at(v, n, c, y, x), index(a, n, c, y, x), index(b, n, c, y, x));
    });
  }

  int64_t argmax(const Instruction& i, int64_t n, int64_t c, int64_t y, int64_t x) const {
    int64_t best = -1;
    const std::vector<double>& in = values_[i.in[0]];
    taps(i.window, shape(i.in[0]), y, x, [&](int64_t iy, int64_t ix, int64_t, int64_t) {
      const int64_t here = at(i.in[0], n, c, iy, ix);
      if (best >= 0) decide(in[here] - in[best]);
      if (best < 0 || in[here] > in[best]) best = here;
    });
    return best;
  }

  void normalise(int64_t v) {
    const Instruction& i = program_.defines(v);
    const Shape& s = shape(v);
    const double count = static_cast<double>(n_ * s.pixels());
    Statistics& st = statistics_[v];
    st.mean.assign(s.c, 0);
    st.inverse.assign(s.c, 0);
    const std::vector<double>& in = values_[i.in[0]];
    // From the first number on, so that a constant channel is exactly its mean.
    each(v, [&](int64_t n, int64_t c, int64_t y, int64_t x) {
      st.mean[c] += (in[at(v, n, c, y, x)] - in[at(v, 0, c, 0, 0)]) / count;
    });
    for (int64_t c = 0; c < s.c && n_ > 0; ++c) st.mean[c] += in[at(v, 0, c, 0, 0)];
    each(v, [&](int64_t n, int64_t c, int64_t y, int64_t x) {
      st.inverse[c] += std::pow(in[at(v, n, c, y, x)] - st.mean[c], 2) / count;
    });
    for (double& variance : st.inverse) variance = 1 / std::sqrt(variance + i.eps);
    each(v, [&](int64_t n, int64_t c, int64_t y, int64_t x) {
      const int64_t k = at(v, n, c, y, x);
      values_[v][k] = (in[k] - st.mean[c]) * st.inverse[c] * parameter(i.weight, c, 1) +
                      parameter(i.bias, c, 0);
    });
  }

  void forward(int64_t v) {
    const Instruction& i = program_.defines(v);
    std::vector<double>& out = values_[v];
    const std::vector<double>* in = i.in.empty() ? nullptr : &values_[i.in[0]];
    const Shape from = i.in.empty() ? Shape{} : shape(i.in[0]);
    switch (i.op) {
      case Op::conv2d:
        each(v, [&](int64_t n, int64_t c, int64_t y, int64_t x) {
          out[at(v, n, c, y, x)] = parameter(i.bias, c, 0);
        });
        products(
            v, [&](int64_t o, int64_t k, int64_t w, int64_t) { out[o] += (*in)[k] * params_[w]; });
        break;
      case Op::batch_norm:
        normalise(v);
        break;
      case Op::relu:
        for (size_t k = 0; k < out.size(); ++k) {
          out[k] = std::max(0.0, (*in)[k]);
          decide((*in)[k]);
        }
        break;
      case Op::avg_pool:
        each(v, [&](int64_t n, int64_t c, int64_t y, int64_t x) {
          double sum = 0;
          taps(i.window, from, y, x, [&](int64_t iy, int64_t ix, int64_t, int64_t) {
            sum += (*in)[at(i.in[0], n, c, iy, ix)];
          });
          out[at(v, n, c, y, x)] = sum / pool_count(i, y, x);
        });
        break;
      case Op::max_pool:
        each(v, [&](int64_t n, int64_t c, int64_t y, int64_t x) {
          out[at(v, n, c, y, x)] = (*in)[argmax(i, n, c, y, x)];
        });
        break;
      case Op::add:
        for (int64_t source : i.in) {
          for (size_t k = 0; k < out.size(); ++k) out[k] += values_[source][k];
        }
        break;
      case Op::zeros:
      case Op::none:
        break;
      case Op::scale:
        for (size_t k = 0; k < out.size(); ++k) out[k] = (*in)[k] * params_[i.factor];
        break;
      case Op::concat:
        joined(v, [&](int64_t o, int64_t source, int64_t k) { out[o] = values_[source][k]; });
        break;
      case Op::pad:
        padded(v, [&](int64_t o, int64_t k) { out[o] = (*in)[k]; });
        break;
      case Op::global_avg_pool:
        each(i.in[0], [&](int64_t n, int64_t c, int64_t y, int64_t x) {
          out[at(v, n, c, 0, 0)] +=
              (*in)[at(i.in[0], n, c, y, x)] / static_cast<double>(from.pixels());
        });
        break;
      case Op::linear:
        for (int64_t n = 0; n < n_; ++n) {
          for (int64_t o = 0; o < shape(v).c; ++o) {
            double sum = parameter(i.bias, o, 0);
            for (int64_t k = 0; k < from.size(); ++k) {
              sum += (*in)[n * from.size() + k] * params_[i.weight + o * from.size() + k];
            }
            out[n * shape(v).c + o] = sum;
          }
        }
        break;
      case Op::product:
        factors(v,
                [&](int64_t o, int64_t a, int64_t b) { out[o] = (*in)[a] * values_[i.in[1]][b]; });
        break;
      case Op::activation:
        for (size_t k = 0; k < out.size(); ++k) out[k] = respond(i, (*in)[k]).value;
    }
  }

  // f(output, source value, index into the source)
  template <typename F>
  void joined(int64_t v, const F& f) const {
    int64_t first = 0;
    for (int64_t source : program_.defines(v).in) {
      each(source, [&](int64_t n, int64_t c, int64_t y, int64_t x) {
        f(at(v, n, first + c, y, x), source, at(source, n, c, y, x));
      });
      first += shape(source).c;
    }
  }

  template <typename F>
  void padded(int64_t v, const F& f) const {
    const Instruction& i = program_.defines(v);
    const Shape& in = shape(i.in[0]);
    each(v, [&](int64_t n, int64_t c, int64_t y, int64_t x) {
      const int64_t iy = y - i.top, ix = x - i.left;
      if (iy >= 0 && iy < in.h && ix >= 0 && ix < in.w)
        f(at(v, n, c, y, x), at(i.in[0], n, c, iy, ix));
    });
  }

  void backward_norm(int64_t v, const std::vector<double>& g, std::vector<double>& to, bool coupled,
                     std::vector<double>& rows) const {
    const Instruction& i = program_.defines(v);
    const Shape& s = shape(v);
    const Statistics& st = statistics_[v];
    const double count = static_cast<double>(n_ * s.pixels());
    const std::vector<double>& in = values_[i.in[0]];
    std::vector<double> mean_g(s.c, 0), mean_gx(s.c, 0);
    const auto xhat = [&](int64_t c, int64_t k) { return (in[k] - st.mean[c]) * st.inverse[c]; };
    each(v, [&](int64_t n, int64_t c, int64_t y, int64_t x) {
      const int64_t k = at(v, n, c, y, x);
      mean_g[c] += g[k] / count;
      mean_gx[c] += g[k] * xhat(c, k) / count;
      if (i.weight >= 0) rows[n * program_.parameters + i.weight + c] += g[k] * xhat(c, k);
    });
    each(v, [&](int64_t n, int64_t c, int64_t y, int64_t x) {
      const int64_t k = at(v, n, c, y, x);
      const double inner = coupled ? g[k] - mean_g[c] - xhat(c, k) * mean_gx[c] : g[k];
      to[k] += inner * st.inverse[c] * parameter(i.weight, c, 1);
    });
  }

  void backward(int64_t v, Values& gradients, bool coupled, std::vector<double>& rows) {
    const Instruction& i = program_.defines(v);
    const std::vector<double>& g = gradients[v];
    std::vector<double>* to = i.in.empty() ? nullptr : &gradients[i.in[0]];
    const std::vector<double>* in = i.in.empty() ? nullptr : &values_[i.in[0]];
    const Shape from = i.in.empty() ? Shape{} : shape(i.in[0]);
    switch (i.op) {
      case Op::conv2d:
        products(v, [&](int64_t o, int64_t k, int64_t w, int64_t n) {
          (*to)[k] += g[o] * params_[w];
          rows[n * program_.parameters + w] += g[o] * (*in)[k];
        });
        break;
      case Op::batch_norm:
        backward_norm(v, g, *to, coupled, rows);
        break;
      case Op::relu:
        for (size_t k = 0; k < g.size(); ++k) (*to)[k] += (*in)[k] > 0 ? g[k] : 0;
        break;
      case Op::avg_pool:
        each(v, [&](int64_t n, int64_t c, int64_t y, int64_t x) {
          const double part = g[at(v, n, c, y, x)] / pool_count(i, y, x);
          taps(i.window, from, y, x, [&](int64_t iy, int64_t ix, int64_t, int64_t) {
            (*to)[at(i.in[0], n, c, iy, ix)] += part;
          });
        });
        break;
      case Op::max_pool:
        each(v, [&](int64_t n, int64_t c, int64_t y, int64_t x) {
          (*to)[argmax(i, n, c, y, x)] += g[at(v, n, c, y, x)];
        });
        break;
      case Op::add:
        for (int64_t source : i.in) {
          for (size_t k = 0; k < g.size(); ++k) gradients[source][k] += g[k];
        }
        break;
      case Op::zeros:
      case Op::none:
        break;
      case Op::scale:
        for (size_t k = 0; k < g.size(); ++k) (*to)[k] += g[k] * params_[i.factor];
        break;
      case Op::concat:
        joined(v, [&](int64_t o, int64_t source, int64_t k) { gradients[source][k] += g[o]; });
        break;
      case Op::pad:
        padded(v, [&](int64_t o, int64_t k) { (*to)[k] += g[o]; });
        break;
      case Op::global_avg_pool:
        each(i.in[0], [&](int64_t n, int64_t c, int64_t y, int64_t x) {
          (*to)[at(i.in[0], n, c, y, x)] +=
              g[at(v, n, c, 0, 0)] / static_cast<double>(from.pixels());
        });
        break;
      case Op::linear:
        for (int64_t n = 0; n < n_; ++n) {
          for (int64_t o = 0; o < shape(v).c; ++o) {
            for (int64_t k = 0; k < from.size(); ++k) {
              const int64_t w = i.weight + o * from.size() + k;
              (*to)[n * from.size() + k] += g[n * shape(v).c + o] * params_[w];
              rows[n * program_.parameters + w] +=
                  g[n * shape(v).c + o] * (*in)[n * from.size() + k];
            }
          }
        }
        break;
      case Op::product:
        factors(v, [&](int64_t o, int64_t a, int64_t b) {
          (*to)[a] += g[o] * values_[i.in[1]][b];
          gradients[i.in[1]][b] += g[o] * (*in)[a];
        });
        break;
      case Op::activation:
        for (size_t k = 0; k < g.size(); ++k) (*to)[k] += g[k] * respond(i, (*in)[k]).slope;
    }
  }

  const Program& program_;
  const std::vector<double>& params_;
  const int64_t n_;
  Values values_;
  std::vector<Statistics> statistics_;
  mutable bool undecided_ = false;
};

}  // namespace reference
}  // namespace tegnas::test
