// The backward sweep with constant statistics: every image on its own, so all rows of the
// Jacobian at once. Segment by segment: the images of x and y block by block, then the Gram.
#pragma once

#include <cstdint>

#include "kernels/cpu/engine/collect_impl.h"
#include "kernels/cpu/engine/gram_rows.h"
#include "kernels/cpu/engine/profile_impl.h"
#include "kernels/cpu/engine/rows_impl.h"
#include "kernels/cpu/engine/weight_tiles_impl.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA::sweep {

template <typename T>
struct PanelColumns {
  T* panel;  // at the first of the columns
  int64_t stride;
  void put(int64_t row, Vec<T> value) const { store(panel + row * stride, value); }
};

// Weight gradients times the scale of the norm behind the convolution. The scale's own gradient
// is sum (y - mean) / deviation * g, and sum y * g is sum weight * (weight gradient).
template <typename T>
void put_piece(const Batch<T>& batch, const GradPiece& piece, int64_t block, const T* tile,
               const PanelColumns<T>& to) {
  const int64_t fan = piece.group_in * piece.window.kh * piece.window.kw;
  for (int64_t o = piece.first; o < piece.last; ++o) {
    const int64_t first_row = piece.row + (o - piece.first) * fan;
    if (piece.norm < 0) {
      for (int64_t r = 0; r < fan; ++r) to.put(first_row + r, load(tile + r * lanes<T>));
    } else {
      const int64_t at = batch.plan->norms.data[piece.norm].coefficients + o;
      const T scale = norm_scales(batch)[at];
      const T* weight = batch.params + piece.weight + o * fan;
      Vec<T> product = {};
      for (int64_t r = 0; r < fan; ++r) {
        const Vec<T> g = load(tile + r * lanes<T>);
        product += g * weight[r];
        to.put(first_row + r, g * scale);
      }
      if (piece.norm_row >= 0) {
        const int32_t sums = batch.plan->buffers.data[piece.gradient.buffer].sums;
        const Vec<T> sum = load(row_of(batch, sums, block, piece.gradient.channel + o, 0));
        const T bias = piece.bias < 0 ? T(0) : batch.params[piece.bias + o];
        to.put(piece.norm_row + o - piece.first,
               (product + sum * (bias - norm_means(batch)[at])) * norm_inverses(batch)[at]);
      }
    }
    tile += fan * lanes<T>;
  }
}

template <typename T>
void put_linear(const Batch<T>& batch, const Scratch<T>& scratch, const LinearGrad& grad,
                int64_t block, const PanelColumns<T>& to) {
  const Buffer& in = batch.plan->buffers.data[grad.view.buffer];
  for (int64_t o = grad.first; o < grad.last; ++o) {
    const Vec<T> g = load(gradient_row(batch, grad.gradient, block, o, 0, scratch.strip));
    int64_t row = grad.row + (o - grad.first) * grad.inputs;
    for (int64_t c = 0; c < in.c; ++c) {
      for (int64_t y = 0; y < in.h; ++y) {
        const T* x = view_row(batch, grad.view, block, c, y, scratch.strip);
        for (int64_t k = 0; k < in.w; ++k) to.put(row++, g * load(x + k * lanes<T>));
      }
    }
  }
}

template <typename T>
void put_pairs(const Batch<T>& batch, const Scratch<T>& scratch, const PairGrad& grad,
               int64_t block, const PanelColumns<T>& to) {
  int64_t row = grad.row;
  const auto put = [&](const T* pixels) {
    for (int64_t x = 0; x < grad.width; ++x) to.put(row++, load(pixels + x * lanes<T>));
  };
  for (int64_t c = 0; c < grad.channels; ++c) {
    for (int64_t y = 0; y < grad.height; ++y) {
      put(row_of(batch, grad.activation.buffer, block, c, y + grad.activation.top) +
          grad.activation.left * lanes<T>);
    }
  }
  for (int64_t k = 0; k < grad.gradients.count; ++k) {
    for (int64_t c = 0; c < grad.outs.data[k]; ++c) {
      for (int64_t y = 0; y < grad.height; ++y) {
        put(gradient_row(batch, grad.gradients.data[k], block, c, y, scratch.strip));
      }
    }
  }
}

// Sums over the pixels of one block: of g, and of g * (x - mean) / deviation.
template <typename T>
void norm_sums(const Batch<T>& batch, const NormGrad& grad, int64_t block, int64_t c, Vec<T>* plain,
               Vec<T>* product) {
  const Norm& norm = batch.plan->norms.data[grad.norm];
  const Buffer& in = batch.plan->buffers.data[norm.buffer];
  const T mean = norm_means(batch)[norm.coefficients + c];
  const T inverse = norm_inverses(batch)[norm.coefficients + c];
  *plain = *product = Vec<T>{};
  const T* x = row_of(batch, norm.buffer, block, c, 0);
  const T* g = row_of(batch, grad.gradient.buffer, block, grad.gradient.channel + c, 0);
  for (int64_t k = 0; k < in.h * in.w * lanes<T>; k += lanes<T>) {
    *plain += load(g + k);
    *product += load(g + k) * ((load(x + k) - mean) * inverse);
  }
}

template <typename T>
void frozen_block(const Batch<T>& batch, const Scratch<T>& scratch, const BackStep& step,
                  const Seed& seed, int64_t block, const PanelColumns<T>& to) {
  const Plan& plan = *batch.plan;
  switch (step.kind) {
    case BackStepKind::weight_grad: {
      const WeightGrad& grad = plan.weight_grads.data[step.at];
      weight_tiles(batch, scratch, grad, block, false);
      const T* tile = scratch.tile;
      for (int64_t p = 0; p < grad.pieces.count; ++p) {
        put_piece(batch, grad.pieces.data[p], block, tile, to);
        tile += tile_rows(grad.pieces.data[p]) * lanes<T>;
      }
      break;
    }
    case BackStepKind::pair_grad:
      put_pairs(batch, scratch, plan.pair_grads.data[step.at], block, to);
      break;
    case BackStepKind::linear_grad:
      put_linear(batch, scratch, plan.linear_grads.data[step.at], block, to);
      break;
    case BackStepKind::norm_grad: {
      const NormGrad& grad = plan.norm_grads.data[step.at];
      for (int64_t c = 0; c < plan.norms.data[grad.norm].channels; ++c) {
        Vec<T> plain, product;
        norm_sums(batch, grad, block, c, &plain, &product);
        to.put(grad.row + c, product);
      }
      break;
    }
    case BackStepKind::collect:
      collect_block(batch, scratch, plan.collects.data[step.at], seed, block);
  }
}

template <typename T>
void frozen_sweep(const Batch<T>& x, const Batch<T>* y, const Scratch<T>& scratch, int64_t output,
                  T* panel, const EngineGrams& grams) {
  const Plan& plan = *x.plan;
  const int64_t x_columns = padded(x), y_columns = y != nullptr ? padded(*y) : 0;
  const int64_t stride = x_columns + y_columns;
  const Seed seed{-1, output};
  Phase phase(scratch.profile);
  for (int64_t k = 0; k < plan.segments.count; ++k) {
    const Segment& segment = plan.segments.data[k];
    for (int side = 0; side < (y != nullptr ? 2 : 1); ++side) {
      const Batch<T>& batch = side == 0 ? x : *y;
      for (int64_t block = 0; block < batch.blocks; ++block) {
        const PanelColumns<T> to{panel + (side == 0 ? 0 : x_columns) + block * lanes<T>, stride};
        for (int64_t s = segment.first; s < segment.last; ++s) {
          const BackStep& step = plan.backward.data[s];
          const bool only_searched =
              side == 1 || grams.rest == nullptr;  // y is for the cross kernel
          if (only_searched && !step.searched) continue;
          frozen_block(batch, scratch, step, seed, block, to);
          phase.end(step.kind == BackStepKind::collect ? EnginePhase::input_grad
                                                       : EnginePhase::weight_grad);
        }
      }
    }
    gram_panel(panel, 0, segment.searched_rows, x_columns, y_columns, grams.searched, grams.cross);
    if (grams.rest != nullptr) {
      gram_panel<T>(panel, segment.searched_rows, segment.rows, x_columns, y_columns, grams.rest,
                    nullptr);
    }
    for (int64_t s = segment.first; s < segment.last; ++s) {
      const BackStep& step = plan.backward.data[s];
      if (step.kind != BackStepKind::pair_grad) continue;
      const PairGrad& grad = plan.pair_grads.data[step.at];
      if (grad.searched) {
        gram_pairs(panel, grad, x_columns, y_columns, grams.searched, grams.cross);
      } else if (grams.rest != nullptr) {
        gram_pairs<T>(panel, grad, x_columns, y_columns, grams.rest, nullptr);
      }
    }
    phase.end(EnginePhase::gram);
  }
}

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
TEGNAS_TARGET_END
