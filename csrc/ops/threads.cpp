#include "ops/threads.h"

#include <torch/csrc/stable/ops.h>

#include <atomic>
#include <exception>
#include <mutex>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

namespace tegnas {
namespace {

std::atomic<bool> pool_used{false}, stayed_behind{false};

void in_child() {
  if (pool_used) stayed_behind = true;
}

// Once per process; what the child inherits includes the handler.
bool watch_forks() {
#if defined(__unix__) || defined(__APPLE__)
  return pthread_atfork(nullptr, nullptr, &in_child) == 0;
#else
  return true;
#endif
}

// torch's loop doesn't let exceptions through: the first one waits here.
class FirstException {
 public:
  template <typename Body>
  void keep_from(const Body& body) {
    try {
      body();
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (!first_) first_ = std::current_exception();
    }
  }

  void rethrow() const {
    if (first_) std::rethrow_exception(first_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr first_;
};

}  // namespace

bool pool_stayed_behind() { return stayed_behind; }

int64_t thread_count() { return stayed_behind ? 1 : torch::stable::get_num_threads(); }

void torch_parallel_for(int64_t count, const std::function<void(int64_t, int64_t)>& body) {
  static const bool watching = watch_forks();
  if (stayed_behind || !watching) return serial_for(count, body);
  if (count > 1 && torch::stable::get_num_threads() > 1) pool_used = true;
  FirstException exception;
  torch::stable::parallel_for(0, count, /*grain_size=*/1, [&](int64_t begin, int64_t end) {
    exception.keep_from([&] { body(begin, end); });
  });
  exception.rethrow();
}

}  // namespace tegnas
