// Memory for a job: one block, handed out piece by piece, kept for the thread's next job.
#pragma once

#include <cstdint>
#include <memory>

#include "kernels/checked.h"

namespace tegnas::cpu {

class Arena {
 public:
  // Makes room for `bytes` and forgets what was handed out before. Throws std::invalid_argument
  // where all arenas together would then have more memory than the machine.
  void reset(int64_t bytes);

  // Room for `count` numbers, aligned to a cache line.
  template <typename T>
  T* take(int64_t count) {
    T* taken = reinterpret_cast<T*>(memory_.get() + used_);
    used_ += rounded<T>(count);
    return taken;
  }

  template <typename T>
  static int64_t rounded(Checked count) {
    return checked_divide_up(count * static_cast<int64_t>(sizeof(T)), kLine) * kLine;
  }

  int64_t size() const { return size_; }

 private:
  static constexpr int64_t kLine = 64;
  struct Free {
    int64_t alignment, bytes;
    void operator()(char* memory) const;
  };
  std::unique_ptr<char, Free> memory_{nullptr, Free{kLine, 0}};
  int64_t size_ = 0, used_ = 0;
};

// The calling thread's arena.
Arena& thread_arena();

// Frees the calling thread's arena where it is larger than what is worth keeping.
void trim_thread_arena();

}  // namespace tegnas::cpu
