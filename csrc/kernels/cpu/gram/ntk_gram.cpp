#include "kernels/cpu/gram/ntk_gram.h"

#include <algorithm>
#include <memory>

#include "kernels/cpu/gram/balance.h"
#include "kernels/cpu/gram/contract.h"
#include "kernels/cpu/gram/panels.h"
#include "kernels/cpu/kernels.h"

namespace tegnas::cpu::gram {
namespace {

// Memory of a panel, for all its images and networks.
constexpr int64_t kPanelBytes = 8 << 20;
constexpr int64_t kLeastColumns = 4096;
// Columns whose rows stay in the second-level cache while every pair of rows meets.
constexpr int64_t kCacheColumns = 512;
// Rows of the Gram per task; a multiple of the kernel's blocks.
constexpr int64_t kTaskRows = 4;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// An odd number of cache lines: rows a power of two apart would compete for the same cache sets.
int64_t row_stride(int64_t columns) { return (ceil_div(columns, 8) | 1) * 8; }

// The Jacobian's panels of one side, one row per (network, image).
class Rows {
 public:
  Rows(const Problem& problem, const std::vector<Operands>& operands, int64_t images)
      : problem_(problem), operands_(operands), images_(images) {}

  void fill(const Panel& panel, int64_t first_network, int64_t networks,
            const ParallelFor& parallel_for) {
    stride_ = row_stride(panel.columns);
    reserve(networks * images_ * stride_);
    std::vector<PieceIndex> indices;
    for (const Piece& piece : panel.pieces) {
      indices.push_back(index_piece(problem_.layers[piece.layer], operands_[piece.layer], piece));
    }
    parallel_for(networks * images_, [&](int64_t begin, int64_t end) {
      RowScratch scratch;
      for (int64_t task = begin; task < end; ++task) {
        for (size_t p = 0; p < panel.pieces.size(); ++p) {
          const Piece& piece = panel.pieces[p];
          fill_row(problem_.layers[piece.layer], operands_[piece.layer], piece, indices[p],
                   first_network + task / images_, task % images_, scratch,
                   values_.get() + task * stride_ + piece.column);
        }
      }
    });
  }

  const double* at(int64_t network, int64_t image) const {
    return values_.get() + (network * images_ + image) * stride_;
  }

  int64_t stride() const { return stride_; }

 private:
  // Not zeroed: every column is written before it is read.
  void reserve(int64_t count) {
    if (count <= capacity_) return;
    values_.reset(new double[count]);
    capacity_ = count;
  }

  const Problem& problem_;
  const std::vector<Operands>& operands_;
  int64_t images_;
  int64_t stride_ = 0;
  int64_t capacity_ = 0;
  std::unique_ptr<double[]> values_;
};

void add_gram(const Problem& problem, const Rows& left, const Rows& right, int64_t columns,
              int64_t first_network, int64_t networks, const ParallelFor& parallel_for,
              double* out) {
  const Kernels& kernel = kernels();
  const int64_t rows = problem.left_images, others = problem.right_images;
  const int64_t blocks = ceil_div(rows, kTaskRows);
  parallel_for(networks * blocks, [&](int64_t begin, int64_t end) {
    for (int64_t first = begin; first < end;) {
      // All of this thread's blocks of one network share the columns that are in the cache.
      const int64_t network = first / blocks;
      const int64_t last = std::min(end, (network + 1) * blocks);
      for (int64_t w = 0; w < columns; w += kCacheColumns) {
        const int64_t width = std::min(kCacheColumns, columns - w);
        for (int64_t task = first; task < last; ++task) {
          const int64_t i = balanced(task % blocks, blocks) * kTaskRows;
          const int64_t some = std::min(kTaskRows, rows - i);
          kernel.add_row_products(left.at(network, i) + w, left.stride(), some,
                                  right.at(network, 0) + w, right.stride(),
                                  problem.symmetric() ? i + some : others, width,
                                  out + ((first_network + network) * rows + i) * others, others);
        }
      }
      first = last;
    }
  });
}

void add_panels(const Problem& problem, const std::vector<int64_t>& layers,
                const ParallelFor& parallel_for, double* out) {
  int64_t parameters = 0;
  for (int64_t layer : layers) parameters += problem.layers[layer].parameters();
  const int64_t images = problem.left_images + (problem.symmetric() ? 0 : problem.right_images);
  const int64_t fitting = kPanelBytes / 8 / images;  // columns, of one network
  const int64_t width =
      std::max<int64_t>(1, std::min(parameters, std::max(kLeastColumns, fitting)));
  const int64_t at_once = std::max<int64_t>(1, fitting / width);

  Rows left(problem, problem.left, problem.left_images);
  Rows right(problem, problem.right, problem.right_images);
  const std::vector<Panel> panels = cut_panels(problem.layers, layers, width);
  for (int64_t first = 0; first < problem.networks; first += at_once) {
    const int64_t networks = std::min(at_once, problem.networks - first);
    for (const Panel& panel : panels) {
      left.fill(panel, first, networks, parallel_for);
      if (!problem.symmetric()) right.fill(panel, first, networks, parallel_for);
      add_gram(problem, left, problem.symmetric() ? left : right, panel.columns, first, networks,
               parallel_for, out);
    }
  }
}

void mirror(const Problem& problem, double* out) {
  const int64_t n = problem.left_images;
  for (int64_t b = 0; b < problem.networks; ++b, out += n * n) {
    for (int64_t i = 0; i < n; ++i) {
      for (int64_t j = 0; j < i; ++j) out[j * n + i] = out[i * n + j];
    }
  }
}

}  // namespace

void ntk_gram(const Problem& problem, const ParallelFor& parallel_for, double* out) {
  std::fill_n(out, problem.networks * problem.left_images * problem.right_images, 0.0);
  if (problem.networks == 0 || problem.left_images == 0 || problem.right_images == 0) return;
  const auto& rights = problem.symmetric() ? problem.left : problem.right;
  std::vector<Choice> choices;
  std::vector<int64_t> by_panel;
  double cost = 0;
  for (size_t layer = 0; layer < problem.layers.size(); ++layer) {
    choices.push_back(
        cheapest_way(problem, problem.layers[layer], problem.left[layer], rights[layer]));
    cost += problem.networks * choices.back().cost;
    if (choices.back().way == Way::panel) by_panel.push_back(static_cast<int64_t>(layer));
  }
  const ParallelFor threads = if_worth_threads(2 * cost, parallel_for);
  for (size_t layer = 0; layer < problem.layers.size(); ++layer) {
    if (choices[layer].way == Way::panel) continue;
    add_contracted(problem, problem.layers[layer], problem.left[layer], rights[layer],
                   choices[layer].way, threads, out);
  }
  add_panels(problem, by_panel, threads, out);
  if (problem.symmetric()) mirror(problem, out);
}

}  // namespace tegnas::cpu::gram
