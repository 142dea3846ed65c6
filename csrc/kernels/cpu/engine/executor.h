// What the engine's driver and the executors (one per instruction set and scalar type) share.
#pragma once

#include <cstdint>

#include "kernels/cpu/plan/plan.h"

namespace tegnas::cpu {

// One batch of images on its way through one plan. All memory belongs to the caller.
template <typename T>
struct EngineBatch {
  const engine::Plan* plan;
  const T* params;
  const T* input;         // packed: (block, C, H, W, lane)
  const T* padded_input;  // the same with the border of plan->padded_input; null: not needed
  const T* stem;          // frozen: plan->stem_pixels for every block
  const T* stem_norms;    // frozen: 4 numbers for each of plan->stem_channels
  int64_t images, blocks;
  T* values;        // plan->value_pixels for every block
  T* gradients;     // plan->gradient_pixels for every block; values where the two share memory
  T* local;         // plan->local_pixels for the block at work; shared by batches that take turns
  T* norms;         // (4, norm_channels): mean, 1/deviation, scale, shift
  double* stats;    // (stats_channels, 2, lanes): sums of numbers and of squares
  T* links;         // coupled: (2, norm_channels), see coupled_impl.h
  double* fixed;    // coupled: (2, panel_rows), see coupled_impl.h
  T* packed;        // weights of the backward convolutions, plan->backward_weights
  uint32_t* words;  // (words, blocks * lanes), bits of the activation patterns; null: not wanted
};

// Memory that holds nothing between steps.
template <typename T>
struct EngineScratch {
  T* ring;           // plan->ring_pixels
  T* local;          // plan->local_pixels
  T* strip;          // 3 * plan->strip_pixels
  T* tile;           // plan->tile_rows
  T* packed;         // plan->forward_weights
  double* gram;      // gram_doubles
  int64_t* profile;  // null, or one counter of nanoseconds for every EnginePhase
};

enum class EnginePhase { forward_conv, forward_other, input_grad, weight_grad, gram, count };

int64_t engine_nanoseconds();

// Padded Gram matrices, float64, row-major; columns are the padded images of x.
struct EngineGrams {
  double* searched;  // (x, x), upper block triangle
  double* rest;      // (x, x), upper block triangle; null: only the searched weights are wanted
  double* cross;     // (y, x), of the searched weights; null without y
};

template <typename T>
struct EngineKernels {
  int64_t lanes;
  int64_t (*gram_doubles)(int64_t columns);  // scratch of the Gram kernel, by columns of images
  // (images, size) -> (block, size, lane); missing images of the last block are zero.
  void (*pack_images)(const T* images, int64_t count, int64_t size, T* packed);
  // Carries out plan->stem: `values` and `norms` are what batches have as stem and stem_norms.
  void (*stem)(const EngineBatch<T>& batch, const EngineScratch<T>& scratch, T* values, T* norms);
  void (*forward)(const EngineBatch<T>& batch, const EngineScratch<T>& scratch);
  // The logits (images, K) after forward.
  void (*logits)(const EngineBatch<T>& batch, T* out);
  // Packs the weights of the backward convolutions; coupled: also computes `fixed`.
  void (*prepare_backward)(const EngineBatch<T>& batch, const EngineScratch<T>& scratch);
  // Backward of the sum of the logits (output -1) or of one logit, for all images at once with
  // constant statistics; adds to the Gram matrices. y may be null. panel: plan->panel_rows for
  // every block of x and y.
  void (*frozen_sweep)(const EngineBatch<T>& x, const EngineBatch<T>* y,
                       const EngineScratch<T>& scratch, int64_t output, T* panel,
                       const EngineGrams& grams);
  // One row of the Jacobian (panel_rows numbers: of searched weights, then of the rest): the
  // gradient of one image's logits through the statistics of the batch. With `searched` the rest
  // may be left as it is.
  void (*coupled_row)(const EngineBatch<T>& batch, const EngineScratch<T>& scratch, int64_t image,
                      int64_t output, bool searched, T* row);
  // Adds the Gram matrices of the rows of coupled_row, stored (padded images, row_stride).
  void (*coupled_grams)(const engine::Plan& plan, const T* x, int64_t x_padded, const T* y,
                        int64_t y_padded, int64_t row_stride, const EngineScratch<T>& scratch,
                        const EngineGrams& grams);
};

}  // namespace tegnas::cpu
