// The forward sweep: every step of the plan in order, each over all images.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernels/cpu/engine/instructions_impl.h"
#include "kernels/cpu/engine/norm_impl.h"
#include "kernels/cpu/engine/profile_impl.h"
#include "kernels/cpu/engine/rows_impl.h"
#include "kernels/cpu/engine/tap_conv_impl.h"

TEGNAS_TARGET_BEGIN
namespace tegnas::cpu::TEGNAS_ISA::sweep {

// Rows [y, y + rows) of channel c of the output of a step, one after the other.
template <typename T>
void simple_rows(const Batch<T>& batch, const Step& step, int64_t block, int64_t c, int64_t y,
                 int64_t rows, T* scratch, T* out) {
  const int64_t columns = columns_of(batch, step.out);
  switch (step.kind) {
    case StepKind::instruction:
      return instruction_rows(batch, step, block, c, y, rows, scratch, out);
    case StepKind::copy:
      return put_view_rows<T, false>(batch, step.in.data[0], block, c, y, rows, out,
                                     columns * lanes<T>);
    case StepKind::zeros:
      return zero_row(out, rows * columns);
    case StepKind::activate:  // forward_block
    case StepKind::signs:
    case StepKind::statistics:  // over all images
    case StepKind::normalise:
      return;
  }
}

// The zeros around a channel of an activation whose inner part has height x width pixels.
template <typename T>
void zero_border(const Batch<T>& batch, const Activation& activation, int64_t block, int64_t c,
                 int64_t height, int64_t width) {
  const Buffer& b = batch.plan->buffers.data[activation.buffer];
  T* row = row_of(batch, activation.buffer, block, c, 0);
  zero_row(row, activation.top * b.w);
  row += activation.top * b.w * lanes<T>;
  const int64_t right = activation.left + width;
  for (int64_t y = 0; y < height; ++y, row += b.w * lanes<T>) {
    zero_row(row, activation.left);
    zero_row(row + right * lanes<T>, b.w - right);
  }
  zero_row(row, (b.h - activation.top - height) * b.w);
}

template <typename T>
inline T* activation_row(const Batch<T>& batch, const Activation& activation, int64_t block,
                         int64_t c, int64_t y) {
  return row_of(batch, activation.buffer, block, c, y + activation.top) +
         activation.left * lanes<T>;
}

template <typename T>
inline int64_t activation_stride(const Batch<T>& batch, const Activation& activation) {
  return columns_of(batch, activation.buffer) * lanes<T>;
}

template <typename T>
void activate_step(const Batch<T>& batch, const Step& step, int64_t block) {
  const View& view = step.in.data[0];
  const Buffer& b = batch.plan->buffers.data[view.buffer];
  for (int64_t c = 0; c < b.c; ++c) {
    zero_border(batch, step.activation, block, c, b.h, b.w);
    put_view_rows<T, false>(batch, view, block, c, 0, b.h,
                            activation_row(batch, step.activation, block, c, 0),
                            activation_stride(batch, step.activation));
  }
}

// Rows of an output once more, as its activation.
template <typename T>
void activate_rows(const T* from, int64_t rows, int64_t count, bool through_relu, T* to,
                   int64_t to_row) {
  for (; rows > 0; --rows, from += count, to += to_row) {
    for (int64_t k = 0; k < count; k += lanes<T>) {
      store(to + k, through_relu ? relu<T>(load(from + k)) : load(from + k));
    }
  }
}

template <typename T>
void simple_step(const Batch<T>& batch, const Scratch<T>& scratch, const Step& step,
                 int64_t block) {
  const Buffer& b = batch.plan->buffers.data[step.out];
  const Activation& activation = step.activation;
  T* unkept = scratch.strip + 2 * batch.plan->strip_pixels * lanes<T>;
  for (int64_t c = 0; c < b.c; ++c) {
    if (activation.buffer >= 0) zero_border(batch, activation, block, c, b.h, b.w);
    for_strips(b.h, b.w, [&](int64_t y, int64_t rows) {
      T* out = step.keep ? row_of(batch, step.out, block, c, y) : unkept;
      simple_rows(batch, step, block, c, y, rows, scratch.strip, out);
      if (activation.buffer >= 0) {
        activate_rows(out, rows, b.w * lanes<T>, step.activation_relu,
                      activation_row(batch, activation, block, c, y),
                      activation_stride(batch, activation));
      }
      if (b.stats >= 0) add_statistics(batch, step.out, block, c, out, rows * b.w);
    });
  }
}

// Bits "number > threshold" of a view, 32 pixels of one image to a word: words (word, image).
template <typename T>
void signs_step(const Batch<T>& batch, const Scratch<T>& scratch, const Step& step, int64_t block) {
  const View& view = step.in.data[0];
  const Buffer& b = batch.plan->buffers.data[view.buffer];
  const int64_t stride = padded(batch);
  const T threshold = static_cast<T>(step.threshold);
  uint32_t* words = batch.words + step.first_word * stride + block * lanes<T>;
  uint32_t bits[lanes<T>] = {};
  int64_t filled = 0;
  for (int64_t c = 0; c < b.c; ++c) {
    for (int64_t y = 0; y < b.h; ++y) {
      const T* row = view_row(batch, view, block, c, y, scratch.strip);
      for (int64_t x = 0; x < b.w; ++x, row += lanes<T>) {
        for (int k = 0; k < lanes<T>; ++k) {
          bits[k] |= static_cast<uint32_t>(row[k] > threshold) << filled;
        }
        if (++filled == 32) {
          for (int k = 0; k < lanes<T>; ++k) words[k] = bits[k], bits[k] = 0;
          words += stride;
          filled = 0;
        }
      }
    }
  }
  if (filled > 0) {
    for (int k = 0; k < lanes<T>; ++k) words[k] = bits[k];
  }
}

template <typename T>
void forward_block(const Batch<T>& batch, const Scratch<T>& scratch, const Step& step,
                   int64_t block) {
  switch (step.kind) {
    case StepKind::signs:
      if (batch.words != nullptr) signs_step(batch, scratch, step, block);
      return;
    case StepKind::activate:
      return activate_step(batch, step, block);
    case StepKind::instruction:
      if (step.op == Op::conv2d) return convolve_step(batch, scratch, *step.conv, block);
      return simple_step(batch, scratch, step, block);
    case StepKind::copy:
    case StepKind::zeros:
      return simple_step(batch, scratch, step, block);
    case StepKind::statistics:  // over all images, between runs
    case StepKind::normalise:
      return;
  }
}

template <typename T>
void clear_statistics(const Batch<T>& batch) {
  std::memset(batch.stats, 0, sizeof(double) * batch.plan->stats_channels * 2 * lanes<T>);
}

// Calls each(number, coefficient) for the coefficients of the stem's norms.
template <typename T, typename Each>
void for_stem_norms(const Batch<T>& batch, const Each& each) {
  const Plan& plan = *batch.plan;
  int64_t number = 0;
  for (int64_t s = 0; s < plan.stem.count; ++s) {
    if (plan.stem.data[s].kind != StepKind::normalise) continue;
    const Norm& norm = plan.norms.data[plan.stem.data[s].out];
    for (int64_t k = 0; k < 4; ++k) {
      for (int64_t c = 0; c < norm.channels; ++c) {
        each(number++, batch.norms[k * plan.norm_channels + norm.coefficients + c]);
      }
    }
  }
}

template <typename T>
void stem(const Batch<T>& sharing, const Scratch<T>& scratch, T* values, T* norms) {
  Batch<T> batch = sharing;
  batch.stem = values;
  Phase phase(scratch.profile);
  clear_statistics(batch);
  for (int64_t s = 0; s < batch.plan->stem.count; ++s) {
    const Step& step = batch.plan->stem.data[s];
    if (step.kind == StepKind::normalise) {
      normalise_step(batch, step.out);
    } else {
      if (step.conv != nullptr) {
        pack_taps(batch, *step.conv, scratch.packed + step.conv->packed_offset);
      }
      for (int64_t block = 0; block < batch.blocks; ++block) {
        forward_block(batch, scratch, step, block);
      }
    }
    phase.end(step.op == Op::conv2d ? EnginePhase::forward_conv : EnginePhase::forward_other);
  }
  for_stem_norms(batch, [&](int64_t number, T& coefficient) { norms[number] = coefficient; });
}

template <typename T>
void forward(const Batch<T>& batch, const Scratch<T>& scratch) {
  const Plan& plan = *batch.plan;
  Phase phase(scratch.profile);
  clear_statistics(batch);
  for_stem_norms(batch,
                 [&](int64_t number, T& coefficient) { coefficient = batch.stem_norms[number]; });
  for (int64_t r = 0; r < plan.runs.count; ++r) {
    const Run& run = plan.runs.data[r];
    for (int64_t s = run.first; s < run.last; ++s) {
      const Step& step = plan.forward.data[s];
      if (step.conv != nullptr) {
        pack_taps(batch, *step.conv, scratch.packed + step.conv->packed_offset);
      }
      if (step.kind == StepKind::statistics) statistics_step(batch, step.out);
      if (step.kind == StepKind::normalise) normalise_step(batch, step.out);
    }
    phase.end(EnginePhase::forward_other);
    for (int64_t block = 0; block < batch.blocks && !run.whole; ++block) {
      for (int64_t s = run.first; s < run.last; ++s) {
        const Step& step = plan.forward.data[s];
        forward_block(batch, scratch, step, block);
        phase.end(step.op == Op::conv2d ? EnginePhase::forward_conv : EnginePhase::forward_other);
      }
    }
  }
}

template <typename T>
void copy_logits(const Batch<T>& batch, T* out) {
  const Plan& plan = *batch.plan;
  T numbers[lanes<T>];
  for (int64_t block = 0; block < batch.blocks; ++block) {
    const int64_t valid = valid_lanes(batch, block);
    for (int64_t c = 0; c < plan.outputs; ++c) {
      copy_view_row(batch, plan.logits, block, c, 0, numbers);
      for (int64_t k = 0; k < valid; ++k) {
        out[(block * lanes<T> + k) * plan.outputs + c] = numbers[k];
      }
    }
  }
}

template <typename T>
void pack_images(const T* images, int64_t count, int64_t size, T* packed) {
  for (int64_t first = 0; first < count; first += lanes<T>) {
    const int64_t valid = count - first < lanes<T> ? count - first : lanes<T>;
    if (valid < lanes<T>) std::memset(packed, 0, sizeof(T) * size * lanes<T>);
    // A few pixels of every image at a time, so that the written lines stay in the cache.
    constexpr int64_t kStrip = 64;
    for (int64_t from = 0; from < size; from += kStrip) {
      const int64_t to = from + kStrip < size ? from + kStrip : size;
      for (int64_t k = 0; k < valid; ++k) {
        const T* image = images + (first + k) * size;
        for (int64_t p = from; p < to; ++p) packed[p * lanes<T> + k] = image[p];
      }
    }
    packed += size * lanes<T>;
  }
}

}  // namespace tegnas::cpu::TEGNAS_ISA::sweep
TEGNAS_TARGET_END
