// The backward sweep through the statistics of the batch: one image's logits, all images' paths.
//
// For y = norm(x) over a channel of M numbers, dL/dx = scale * (g - mean(g) - xhat * mean(g xhat)).
// The two means are one number per channel and sweep, so the bracket is g + p x + q. The weight
// gradient of the convolution before the norm is linear in it: what x and 1 contribute (`fixed`)
// is the same for all sweeps.
#pragma once

#include <cstdint>

#include "kernels/cpu/engine/collect_impl.h"
#include "kernels/cpu/engine/frozen_impl.h"
#include "kernels/cpu/engine/gram_rows.h"
#include "kernels/cpu/engine/norm_impl.h"
#include "kernels/cpu/engine/profile_impl.h"
#include "kernels/cpu/engine/rows_impl.h"
#include "kernels/cpu/engine/tap_conv_impl.h"
#include "kernels/cpu/engine/weight_tiles_impl.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA::sweep {

template <typename T>
void set_link(const Batch<T>& batch, int32_t number, int64_t c, double mean_g, double mean_g_xhat) {
  const int64_t at = batch.plan->norms.data[number].coefficients + c;
  const double p = -mean_g_xhat * norm_inverses(batch)[at];
  batch.links[at] = static_cast<T>(p);
  batch.links[batch.plan->norm_channels + at] = static_cast<T>(-mean_g - p * norm_means(batch)[at]);
}

template <typename T>
double norm_count(const Batch<T>& batch, int32_t number) {
  const Buffer& b = batch.plan->buffers.data[batch.plan->norms.data[number].buffer];
  return static_cast<double>(batch.images * b.h * b.w);
}

template <typename T>
void coupled_piece(const Batch<T>& batch, const GradPiece& piece, const T* tile, T* row) {
  const int64_t fan = piece.group_in * piece.window.kh * piece.window.kw;
  const double* fixed_xhat = batch.fixed;
  const double* fixed_one = batch.fixed + batch.plan->panel_rows;
  for (int64_t o = piece.first; o < piece.last; ++o, tile += fan * lanes<T>) {
    const int64_t first_row = piece.row + (o - piece.first) * fan;
    for (int64_t r = 0; r < fan; ++r) row[first_row + r] = sum_lanes<T>(load(tile + r * lanes<T>));
    if (piece.norm < 0) continue;
    const int64_t at = batch.plan->norms.data[piece.norm].coefficients + o;
    const T* weight = batch.params + piece.weight + o * fan;
    const int32_t sums = batch.plan->buffers.data[piece.gradient.buffer].sums;
    double sum = 0, product = 0;
    for (int64_t block = 0; block < batch.blocks; ++block) {
      sum += sum_lanes<T>(load(row_of(batch, sums, block, piece.gradient.channel + o, 0)));
    }
    for (int64_t r = 0; r < fan; ++r) {
      product += static_cast<double>(weight[r]) * row[first_row + r];
    }
    const double bias = piece.bias < 0 ? 0 : batch.params[piece.bias + o];
    product = (product + sum * (bias - norm_means(batch)[at])) * norm_inverses(batch)[at];
    if (piece.norm_row >= 0) row[piece.norm_row + o - piece.first] = static_cast<T>(product);
    const double count = norm_count(batch, piece.norm);
    set_link(batch, piece.norm, o, sum / count, product / count);
    const double scale = norm_scales(batch)[at];
    for (int64_t r = 0; r < fan; ++r) {
      const int64_t k = first_row + r;
      row[k] = static_cast<T>(
          scale * (row[k] - product / count * fixed_xhat[k] - sum / count * fixed_one[k]));
    }
  }
}

// Sums over all images and pixels of a tap's input, alone and times the norm's output.
template <typename T>
void fix_piece(const Batch<T>& batch, const Scratch<T>& scratch, const WeightGrad& grad,
               const GradPiece& piece) {
  const int64_t fan = piece.group_in * piece.window.kh * piece.window.kw;
  const int64_t rows = (piece.last - piece.first) * fan;
  double* with_xhat = batch.fixed + piece.row;
  double* alone = with_xhat + batch.plan->panel_rows;
  for (int64_t r = 0; r < rows; ++r) with_xhat[r] = alone[r] = 0;
  const Window& w = piece.window;
  const int64_t plane = grad.plane_h * grad.plane_w;
  for (int64_t block = 0; block < batch.blocks; ++block) {
    const int64_t valid = valid_lanes(batch, block);
    const T* planes = row_of(batch, grad.activation.buffer, block, 0, 0);
    piece_tiles(batch, grad, piece, block, GradRef{piece.value, 0, -1}, scratch.tile, false);
    for (int64_t r = 0; r < rows; ++r) {
      const int64_t o = piece.first + r / fan, tap = r % fan;
      const int64_t kx = tap % w.kw, ky = tap / w.kw % w.kh;
      const int64_t c = o / piece.group_out * piece.group_in + tap / (w.kw * w.kh);
      const T* x = planes + (c * plane + (grad.activation.top - w.ph + ky * w.dh) * grad.plane_w +
                             grad.activation.left - w.pw + kx * w.dw) *
                                lanes<T>;
      Vec<T> sum = {};
      for (int64_t y = 0; y < piece.out_h; ++y) {
        for (int64_t k = 0; k < piece.out_w; ++k) {
          sum += load(x + (y * w.sh * grad.plane_w + k * w.sw) * lanes<T>);
        }
      }
      T numbers[lanes<T>];
      store(numbers, sum);
      for (int64_t k = 0; k < valid; ++k) {
        alone[r] += numbers[k];
        with_xhat[r] += scratch.tile[r * lanes<T> + k];
      }
    }
  }
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t at = batch.plan->norms.data[piece.norm].coefficients + piece.first + r / fan;
    with_xhat[r] = (with_xhat[r] - alone[r] * norm_means(batch)[at]) * norm_inverses(batch)[at];
  }
}

template <typename T>
void prepare_backward(const Batch<T>& batch, const Scratch<T>& scratch) {
  const Plan& plan = *batch.plan;
  for (int64_t k = 0; k < plan.collects.count; ++k) {
    const Collect& collect = plan.collects.data[k];
    for (int64_t i = 0; i < collect.relu_convs.count; ++i) {
      const TapConv& conv = collect.relu_convs.data[i];
      pack_taps(batch, conv, batch.packed + conv.packed_offset);
    }
    for (int64_t i = 0; i < collect.plain_convs.count; ++i) {
      const TapConv& conv = collect.plain_convs.data[i];
      pack_taps(batch, conv, batch.packed + conv.packed_offset);
    }
  }
  if (plan.purpose != Purpose::coupled) return;
  for (int64_t k = 0; k < plan.weight_grads.count; ++k) {
    const WeightGrad& grad = plan.weight_grads.data[k];
    for (int64_t p = 0; p < grad.pieces.count; ++p) {
      const GradPiece& piece = grad.pieces.data[p];
      if (piece.norm >= 0) fix_piece(batch, scratch, grad, piece);
    }
  }
}

template <typename T>
void coupled_linear(const Batch<T>& batch, const Scratch<T>& scratch, const LinearGrad& grad,
                    T* row) {
  const Buffer& in = batch.plan->buffers.data[grad.view.buffer];
  T* to = row + grad.row;
  for (int64_t k = 0; k < (grad.last - grad.first) * grad.inputs; ++k) to[k] = 0;
  for (int64_t block = 0; block < batch.blocks; ++block) {
    int64_t k = 0;
    for (int64_t o = grad.first; o < grad.last; ++o) {
      const Vec<T> g = load(gradient_row(batch, grad.gradient, block, o, 0, scratch.strip));
      for (int64_t c = 0; c < in.c; ++c) {
        for (int64_t y = 0; y < in.h; ++y) {
          const T* x = view_row(batch, grad.view, block, c, y, scratch.strip);
          for (int64_t i = 0; i < in.w; ++i) to[k++] += sum_lanes<T>(g * load(x + i * lanes<T>));
        }
      }
    }
  }
}

template <typename T>
void coupled_norm(const Batch<T>& batch, const NormGrad& grad, T* row) {
  const double count = norm_count(batch, grad.norm);
  for (int64_t c = 0; c < batch.plan->norms.data[grad.norm].channels; ++c) {
    double sum = 0, product = 0;
    for (int64_t block = 0; block < batch.blocks; ++block) {
      Vec<T> plain, with_xhat;
      norm_sums(batch, grad, block, c, &plain, &with_xhat);
      sum += sum_lanes<T>(plain);
      product += sum_lanes<T>(with_xhat);
    }
    if (grad.row >= 0) row[grad.row + c] = static_cast<T>(product);
    set_link(batch, grad.norm, c, sum / count, product / count);
  }
}

template <typename T>
void coupled_row(const Batch<T>& batch, const Scratch<T>& scratch, int64_t image, int64_t output,
                 bool searched, T* row) {
  const Plan& plan = *batch.plan;
  const Seed seed{image, output};
  Phase phase(scratch.profile);
  for (int64_t s = 0; s < plan.backward.count; ++s) {
    const BackStep& step = plan.backward.data[s];
    if (searched && !step.searched) continue;
    switch (step.kind) {
      case BackStepKind::weight_grad: {
        const WeightGrad& grad = plan.weight_grads.data[step.at];
        for (int64_t block = 0; block < batch.blocks; ++block) {
          weight_tiles(batch, scratch, grad, block, block > 0);
        }
        const T* tile = scratch.tile;
        for (int64_t p = 0; p < grad.pieces.count; ++p) {
          coupled_piece(batch, grad.pieces.data[p], tile, row);
          tile += tile_rows(grad.pieces.data[p]) * lanes<T>;
        }
        break;
      }
      case BackStepKind::pair_grad:  // of frozen mode only
        break;
      case BackStepKind::linear_grad:
        coupled_linear(batch, scratch, plan.linear_grads.data[step.at], row);
        break;
      case BackStepKind::norm_grad:
        coupled_norm(batch, plan.norm_grads.data[step.at], row);
        break;
      case BackStepKind::collect:
        for (int64_t block = 0; block < batch.blocks; ++block) {
          collect_block(batch, scratch, plan.collects.data[step.at], seed, block);
        }
    }
    phase.end(step.kind == BackStepKind::collect ? EnginePhase::input_grad
                                                 : EnginePhase::weight_grad);
  }
}

// Rows of the Jacobian to a panel of float64 with images contiguous.
template <typename T>
void widen_transposed(const T* jacobian, int64_t row_stride, int64_t images, int64_t first,
                      int64_t rows, int64_t panel_stride, double* panel) {
  for (int64_t i = 0; i < images; ++i) {
    for (int64_t r = 0; r < rows; ++r)
      panel[r * panel_stride + i] = jacobian[i * row_stride + first + r];
  }
}

template <typename T>
void coupled_grams(const Plan& plan, const T* x, int64_t x_padded, const T* y, int64_t y_padded,
                   int64_t row_stride, const Scratch<T>& scratch, const EngineGrams& grams) {
  const Segment& segment = plan.segments.data[0];
  Phase phase(scratch.profile);
  for (const bool searched : {true, false}) {
    if (!searched && grams.rest == nullptr) break;
    const int64_t end = searched ? segment.searched_rows : segment.rows;
    for (int64_t r = searched ? 0 : segment.searched_rows; r < end; r += kGramRows) {
      const int64_t rows = end - r < kGramRows ? end - r : kGramRows;
      const int64_t stride = x_padded + y_padded;
      widen_transposed(x, row_stride, x_padded, r, rows, stride, scratch.gram);
      if (y != nullptr) {
        widen_transposed(y, row_stride, y_padded, r, rows, stride, scratch.gram + x_padded);
      }
      gram_panel(scratch.gram, 0, rows, x_padded, y_padded, searched ? grams.searched : grams.rest,
                 searched ? grams.cross : nullptr);
    }
  }
  phase.end(EnginePhase::gram);
}

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
TEGNAS_TARGET_END
