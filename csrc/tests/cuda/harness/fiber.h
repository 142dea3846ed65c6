// Cooperative threads of execution on stacks of their own, known to AddressSanitizer.
#pragma once

#include <ucontext.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <stdexcept>

#if defined(__SANITIZE_ADDRESS__)
#define TEGNAS_HARNESS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TEGNAS_HARNESS_ASAN 1
#endif
#endif
#ifdef TEGNAS_HARNESS_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace tegnas::cuda::harness {

// One fiber at a time runs: resume() enters it until it yields or its body returns.
class Fiber {
 public:
  Fiber() : stack_(new char[kStackBytes]) {}
  Fiber(const Fiber&) = delete;

  // A fiber that was left in the middle may be prepared anew; its body must own nothing.
  void prepare(std::function<void()> body) {
    body_ = std::move(body);
#ifdef TEGNAS_HARNESS_ASAN
    __asan_unpoison_memory_region(stack_.get(), kStackBytes);
    fake_stack_ = nullptr;
#endif
    if (getcontext(&inside_) != 0) throw std::runtime_error("CUDA harness: getcontext failed");
    inside_.uc_stack.ss_sp = stack_.get();
    inside_.uc_stack.ss_size = kStackBytes;
    inside_.uc_link = nullptr;
    makecontext(&inside_, &Fiber::enter, 0);
    done_ = false;
  }

  void resume() {
    running() = this;
#ifdef TEGNAS_HARNESS_ASAN
    void* own_fake_stack = nullptr;
    __sanitizer_start_switch_fiber(&own_fake_stack, stack_.get(), kStackBytes);
#endif
    swapcontext(&outside_, &inside_);
#ifdef TEGNAS_HARNESS_ASAN
    __sanitizer_finish_switch_fiber(own_fake_stack, nullptr, nullptr);
#endif
    running() = nullptr;
  }

  // Called inside: back to whoever resumed.
  void yield() {
#ifdef TEGNAS_HARNESS_ASAN
    __sanitizer_start_switch_fiber(done_ ? nullptr : &fake_stack_, outside_stack_, outside_bytes_);
#endif
    swapcontext(&inside_, &outside_);
#ifdef TEGNAS_HARNESS_ASAN
    __sanitizer_finish_switch_fiber(fake_stack_, &outside_stack_, &outside_bytes_);
#endif
  }

  bool done() const { return done_; }

 private:
  static constexpr size_t kStackBytes = 256 << 10;

  static Fiber*& running() {
    static Fiber* fiber = nullptr;
    return fiber;
  }

  static void enter() {
    Fiber* fiber = running();
#ifdef TEGNAS_HARNESS_ASAN
    __sanitizer_finish_switch_fiber(nullptr, &fiber->outside_stack_, &fiber->outside_bytes_);
#endif
    fiber->body_();
    fiber->done_ = true;
    fiber->yield();
  }

  std::unique_ptr<char[]> stack_;
  std::function<void()> body_;
  ucontext_t inside_{}, outside_{};
  bool done_ = true;
#ifdef TEGNAS_HARNESS_ASAN
  void* fake_stack_ = nullptr;
  const void* outside_stack_ = nullptr;
  size_t outside_bytes_ = 0;
#endif
};

}  // namespace tegnas::cuda::harness
