// Memory that is used again by the next call.
//
// What a call writes for a GPU takes megabytes that are needed for milliseconds. Given back and
// asked for again, the system would clear every page of it anew, which takes as long as writing it.
#pragma once

#include <utility>

namespace tegnas {

// A value that begins as its thread's last one ended, or new. Only its memory is meant to be used:
// whoever fills it begins by forgetting what is there.
template <typename T>
class Kept {
 public:
  Kept() : value_(std::exchange(store(), T{})) {}
  Kept(Kept&& other) noexcept : value_(std::move(other.value_)), holds_(other.holds_) {
    other.holds_ = false;
  }
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  Kept& operator=(Kept&&) = delete;
  ~Kept() {
    if (holds_) store() = std::move(value_);
  }

  // For what grew too large to be kept.
  void forget() { holds_ = false; }

  T& operator*() { return value_; }
  const T& operator*() const { return value_; }
  T* operator->() { return &value_; }
  const T* operator->() const { return &value_; }

 private:
  static T& store() {
    thread_local T kept;
    return kept;
  }

  T value_;
  bool holds_ = true;
};

}  // namespace tegnas
