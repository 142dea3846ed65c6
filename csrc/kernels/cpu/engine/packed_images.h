// The images of a batch in the layout of the executor, once for all jobs of a call.
#pragma once

#include <cstring>
#include <map>
#include <mutex>
#include <tuple>

#include "kernels/cpu/engine/arena.h"
#include "kernels/cpu/engine/engine.h"
#include "kernels/cpu/engine/executor.h"

namespace tegnas::cpu {

template <typename T>
class PackedImages {
 public:
  PackedImages(const EngineKernels<T>& kernels, const Images<T>& images, const engine::Shape& shape)
      : count_(images.count),
        lanes_(kernels.lanes),
        blocks_((images.count + kernels.lanes - 1) / kernels.lanes),
        shape_(shape) {
    const int64_t numbers = (Checked(blocks_) * lanes_ * shape.size()).value();
    memory_.reset(Arena::rounded<T>(numbers));
    T* packed = memory_.take<T>(numbers);
    if (numbers > 0) kernels.pack_images(images.data, images.count, shape.size(), packed);
    data_ = packed;
  }

  // (block, C, H, W, lane)
  const T* data() const { return data_; }
  int64_t count() const { return count_; }

  // The same with the border of zeros that a plan asks for, null where it asks for none; made when
  // it is first asked for.
  const T* padded(const engine::Plan& plan) const {
    const engine::Activation& to = plan.padded_input;
    if (to.buffer < 0) return nullptr;
    const engine::Buffer& b = plan.buffers.data[to.buffer];
    const std::lock_guard<std::mutex> lock(mutex_);
    auto [found, absent] = padded_.try_emplace(std::make_tuple(to.top, to.left, b.h, b.w));
    if (absent) pad(to, b, found->second);
    return found->second.data;
  }

 private:
  struct Padded {
    Arena memory;
    const T* data = nullptr;
  };

  void pad(const engine::Activation& to, const engine::Buffer& b, Padded& padded) const {
    const int64_t planes = blocks_ * shape_.c, plane = b.h * b.w * lanes_;
    padded.memory.reset(Arena::rounded<T>(Checked(planes) * plane));
    T* out = padded.memory.template take<T>(planes * plane);
    padded.data = out;
    std::memset(out, 0, sizeof(T) * planes * plane);
    const int64_t row = shape_.w * lanes_;
    const T* from = data_;
    for (int64_t p = 0; p < planes; ++p, out += plane) {
      for (int64_t y = 0; y < shape_.h; ++y, from += row) {
        std::memcpy(out + ((to.top + y) * b.w + to.left) * lanes_, from, sizeof(T) * row);
      }
    }
  }

  Arena memory_;
  const T* data_;
  int64_t count_, lanes_, blocks_;
  engine::Shape shape_;
  mutable std::mutex mutex_;
  mutable std::map<std::tuple<int64_t, int64_t, int64_t, int64_t>, Padded> padded_;
};

}  // namespace tegnas::cpu
