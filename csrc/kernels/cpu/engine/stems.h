// What networks of the same weights begin with (engine::Plan::stem), made once for all of them.
#pragma once

#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "kernels/cpu/engine/arena.h"
#include "kernels/cpu/engine/engine.h"
#include "kernels/cpu/engine/executor.h"

namespace tegnas::cpu {

// The stems of one batch of images. Whether a stem is shared changes no number.
template <typename T>
class Stems {
 public:
  Stems(const EngineKernels<T>& kernels, const std::vector<NtkJob<T>>& jobs) : kernels_(kernels) {
    for (const NtkJob<T>& job : jobs) ++users_[job.params];
  }

  // How many numbers the stem of a batch has.
  static int64_t size(const EngineBatch<T>& batch, int64_t lanes) {
    const engine::Plan& plan = *batch.plan;
    return (Checked(plan.stem_pixels) * batch.blocks * lanes + Checked(4) * plan.stem_channels)
        .value();
  }

  // Gives the batch its stem: a kept one, or one that is made now, in `own` where nobody else
  // will ask for it or where enough are kept.
  void attach(EngineBatch<T>& batch, const EngineScratch<T>& scratch, T* own) {
    if (users_.at(batch.params) == 1) return make(batch, scratch, own);
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto key = std::make_pair(batch.params, batch.plan->stem_key);
    if (const auto found = kept_.find(key); found != kept_.end()) {
      return use(batch, found->second.numbers);
    }
    const int64_t bytes = Arena::rounded<T>(size(batch, kernels_.lanes));
    if (bytes_ + bytes > kMostBytes) return make(batch, scratch, own);
    bytes_ += bytes;
    Kept& kept = kept_[key];
    kept.memory.reset(bytes);
    kept.numbers = kept.memory.template take<T>(size(batch, kernels_.lanes));
    make(batch, scratch, kept.numbers);
  }

 private:
  static constexpr int64_t kMostBytes = int64_t{64} << 20;

  struct Kept {
    Arena memory;
    T* numbers = nullptr;
  };

  T* norms_of(const EngineBatch<T>& batch, T* numbers) const {
    return numbers + batch.plan->stem_pixels * batch.blocks * kernels_.lanes;
  }

  void make(EngineBatch<T>& batch, const EngineScratch<T>& scratch, T* numbers) const {
    kernels_.stem(batch, scratch, numbers, norms_of(batch, numbers));
    use(batch, numbers);
  }

  void use(EngineBatch<T>& batch, T* numbers) const {
    batch.stem = numbers;
    batch.stem_norms = norms_of(batch, numbers);
  }

  const EngineKernels<T>& kernels_;
  std::map<const T*, int64_t> users_;  // jobs by weights
  std::mutex mutex_;
  std::map<std::pair<const T*, std::vector<double>>, Kept> kept_;
  int64_t bytes_ = 0;
};

}  // namespace tegnas::cpu
