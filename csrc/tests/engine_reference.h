// Kernels and region counts of programs, from Jacobians written out whole.
#pragma once

#include <set>
#include <vector>

#include "engine_network.h"

namespace tegnas::test {
namespace reference {

// (n, parameters) for the sum of the logits (output -1) or one of them.
inline std::vector<double> jacobian(Network& network, const Program& program, int64_t n,
                                    int64_t output, bool coupled) {
  const int64_t k = program.shapes.back().c, p = program.parameters;
  const auto seed = [&](int64_t image) {
    std::vector<double> s(n * k, 0);
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t o = 0; o < k; ++o) {
        if ((image < 0 || image == i) && (output < 0 || output == o)) s[i * k + o] = 1;
      }
    }
    return s;
  };
  if (!coupled) return network.backward(seed(-1), false);
  std::vector<double> rows(n * p, 0);
  for (int64_t i = 0; i < n; ++i) {
    const std::vector<double> parts = network.backward(seed(i), true);
    for (int64_t j = 0; j < n; ++j) {
      for (int64_t q = 0; q < p; ++q) rows[i * p + q] += parts[j * p + q];
    }
  }
  return rows;
}

inline void add_gram(const std::vector<double>& a, int64_t na, const std::vector<double>& b,
                     int64_t nb, const std::vector<bool>& weights, std::vector<double>& gram) {
  const int64_t p = static_cast<int64_t>(weights.size());
  for (int64_t i = 0; i < na; ++i) {
    for (int64_t j = 0; j < nb; ++j) {
      for (int64_t q = 0; q < p; ++q) {
        if (weights[q]) gram[i * nb + j] += a[i * p + q] * b[j * p + q];
      }
    }
  }
}

// Where a counted function goes from one piece to the next.
inline std::vector<double> corners(const Instruction& i) {
  return i.op == Op::activation ? pattern_corners(i.function) : std::vector<double>{0};
}

}  // namespace reference

struct Reference {
  std::vector<double> k_all, k_searched, k_cross, logits;
  bool undecided = false;
};

// Kernels of x (N images) and of y against x; `trace` as the trace over outputs.
inline Reference reference_ntk(const engine::Program& program, const std::vector<double>& params,
                               const std::vector<double>& x, int64_t n,
                               const std::vector<double>& y, int64_t ny, bool coupled, bool trace) {
  using namespace reference;
  Network nx(program, params, x, n), n_y(program, params, y, ny);
  std::vector<bool> all(program.parameters, false), searched(program.parameters, false);
  for (int64_t v = 1; v < program.values(); ++v) {
    for (int64_t k = 0; k < program.defines(v).weights; ++k) {
      all[program.defines(v).weight + k] = true;
      searched[program.defines(v).weight + k] = program.defines(v).searched;
    }
  }
  Reference result;
  result.undecided = nx.undecided() || n_y.undecided();
  result.logits = nx.value(program.values() - 1);
  result.k_all.assign(n * n, 0);
  result.k_searched.assign(n * n, 0);
  result.k_cross.assign(ny * n, 0);
  for (int64_t o = trace ? 0 : -1; o < (trace ? program.shapes.back().c : 0); ++o) {
    const std::vector<double> jx = jacobian(nx, program, n, o, coupled);
    const std::vector<double> jy = jacobian(n_y, program, ny, o, coupled);
    add_gram(jx, n, jx, n, all, result.k_all);
    add_gram(jx, n, jx, n, searched, result.k_searched);
    add_gram(jy, ny, jx, n, searched, result.k_cross);
  }
  return result;
}

inline int64_t reference_regions(const engine::Program& program, const std::vector<double>& params,
                                 const std::vector<std::vector<double>>& batches) {
  std::set<std::vector<bool>> patterns;
  const int64_t size = program.shapes[0].size();
  for (const std::vector<double>& batch : batches) {
    const int64_t n = static_cast<int64_t>(batch.size()) / size;
    const reference::Network network(program, params, batch, n);
    for (int64_t i = 0; i < n; ++i) {
      std::vector<bool> pattern;
      for (int64_t v = 1; v < program.values(); ++v) {
        const engine::Instruction& instruction = program.defines(v);
        if (!instruction.counted) continue;
        const int64_t count = program.shapes[v].size();
        const double* in = network.value(instruction.in[0]).data() + i * count;
        for (int64_t k = 0; k < count; ++k) {
          for (const double corner : reference::corners(instruction)) {
            pattern.push_back(in[k] > corner);
          }
        }
      }
      patterns.insert(pattern);
    }
  }
  return static_cast<int64_t>(patterns.size());
}

}  // namespace tegnas::test
