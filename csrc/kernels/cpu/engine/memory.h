// How much memory a plan needs for a batch, and how it is cut up.
#pragma once

#include <algorithm>

#include "kernels/cpu/engine/arena.h"
#include "kernels/cpu/engine/executor.h"
#include "kernels/cpu/engine/packed_images.h"

namespace tegnas::cpu {

// Collects requests twice: first to learn the size, then to hand out the memory.
class Cutter {
 public:
  explicit Cutter(Arena* arena) : arena_(arena) {}

  template <typename T>
  T* take(Checked count) {
    bytes_ = bytes_ + Arena::rounded<T>(count);
    return arena_ == nullptr ? nullptr : arena_->take<T>(count.value());
  }
  int64_t bytes() const { return bytes_.value(); }

 private:
  Arena* arena_;
  Checked bytes_ = 0;
};

// Runs cut(Cutter&) to learn the size, makes room, runs it again.
template <typename Cut>
void cut_arena(Arena& arena, const Cut& cut) {
  Cutter measure(nullptr);
  cut(measure);
  arena.reset(measure.bytes());
  Cutter take(&arena);
  cut(take);
}

template <typename T>
EngineBatch<T> cut_batch(Cutter& cutter, const EngineKernels<T>& kernels, const engine::Plan& plan,
                         const T* params, const PackedImages<T>& packed) {
  EngineBatch<T> batch{};
  batch.plan = &plan;
  batch.params = params;
  const int64_t images = packed.count();
  batch.input = packed.data();
  batch.padded_input = packed.padded(plan);
  batch.images = images;
  batch.blocks = (images + kernels.lanes - 1) / kernels.lanes;
  const int64_t padded = batch.blocks * kernels.lanes;
  batch.values = cutter.take<T>(Checked(plan.value_pixels) * padded);
  // Gradients have a place of their own where several sweeps follow one forward sweep; coupled
  // sweeps get it from cut_sweep.
  batch.gradients = batch.values;
  if (plan.purpose == engine::Purpose::frozen && plan.gradient_pixels > 0) {
    batch.gradients = cutter.take<T>(Checked(plan.gradient_pixels) * padded);
  }
  batch.norms = cutter.take<T>(Checked(4) * plan.norm_channels);
  batch.stats = cutter.take<double>(Checked(plan.stats_channels) * 2 * kernels.lanes);
  batch.packed = cutter.take<T>(plan.backward_weights);
  if (plan.purpose == engine::Purpose::coupled) {
    batch.fixed = cutter.take<double>(Checked(2) * plan.panel_rows);
  }
  return batch;
}

// Where the activation patterns of a batch are wanted.
template <typename T>
void cut_words(Cutter& cutter, const EngineKernels<T>& kernels, EngineBatch<T>& batch) {
  batch.words = cutter.take<uint32_t>(Checked(batch.plan->words) * batch.blocks * kernels.lanes);
}

// What one coupled sweep writes, so that sweeps can run beside each other.
template <typename T>
void cut_sweep(Cutter& cutter, const EngineKernels<T>& kernels, EngineBatch<T>& batch) {
  batch.gradients =
      cutter.take<T>(Checked(batch.plan->gradient_pixels) * batch.blocks * kernels.lanes);
  batch.links = cutter.take<T>(Checked(2) * batch.plan->norm_channels);
}

template <typename T>
EngineScratch<T> cut_scratch(Cutter& cutter, const EngineKernels<T>& kernels,
                             const engine::Plan& plan, int64_t gram_columns) {
  EngineScratch<T> scratch{};
  scratch.local = cutter.take<T>(Checked(plan.local_pixels) * kernels.lanes);
  scratch.ring = cutter.take<T>(Checked(plan.ring_pixels) * kernels.lanes);
  scratch.strip = cutter.take<T>(Checked(3) * plan.strip_pixels * kernels.lanes);
  scratch.tile = cutter.take<T>(Checked(plan.tile_rows) * kernels.lanes);
  scratch.packed = cutter.take<T>(plan.forward_weights);
  scratch.gram = cutter.take<double>(kernels.gram_doubles(gram_columns));
  return scratch;
}

}  // namespace tegnas::cpu
