// One block of threads on the CPU: barriers, exchanges between the lanes of a warp, shared memory.
#pragma once

#include <algorithm>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/cuda/harness/fiber.h"
#include "tests/cuda/harness/shadow.h"

namespace tegnas::cuda::harness {

// A kernel did what a GPU would not forgive.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Index {
  unsigned x = 0, y = 0, z = 0;
};

struct Place {
  const char* file;
  int line;
  bool operator==(const Place& o) const { return line == o.line && std::string(file) == o.file; }
  std::string text() const {
    const std::string path = file;
    return path.substr(path.find_last_of('/') + 1) + ":" + std::to_string(line);
  }
};

class Block {
 public:
  // Runs body once for every thread. A seed other than 0 shuffles who goes first between any two
  // barriers. Throws Error, or what the body throws.
  void run(int threads, size_t shared_bytes, uint64_t seed, Index block,
           const std::function<void(int)>& body, const std::function<void(int)>& enter) {
    block_ = block;
    enter_ = enter;
    random_.seed(seed);
    start(threads, shared_bytes);
    std::vector<int> order(threads);
    for (int t = 0; t < threads; ++t) order[t] = t;
    if (seed != 0) std::shuffle(order.begin(), order.end(), random_);
    start_threads(order, body);
    while (true) {
      if (seed != 0) std::shuffle(order.begin(), order.end(), random_);
      for (int t : order) {
        if (threads_[t].state == State::ready) resume(t);
      }
      const bool warps = release_warps();
      if (warps) continue;
      if (live() == 0) return;
      if (!release_barrier()) fail_divergent();
    }
  }

  void barrier(Place place) { wait(State::at_barrier, place); }

  // Every lane of the mask brings a value and gets those of all; `kind` tells calls apart.
  const uint64_t* exchange(unsigned mask, uint64_t value, const char* kind, Place place) {
    Thread& thread = threads_[current_];
    const int lane = current_ % kWarp;
    if (!(mask >> lane & 1)) fail(std::string(kind) + " by a lane that is not in its own mask");
    thread.mask = mask;
    thread.value = value;
    thread.kind = kind;
    wait(State::at_warp, place);
    return warps_[current_ / kWarp].values;
  }

  int lane() const { return current_ % kWarp; }
  Moment now() const { return {current_, barriers_, threads_[current_].warp_barriers}; }

  char* shared() { return shared_.get(); }
  size_t shared_bytes() const { return shared_bytes_; }

  // Static arrays lie behind the dynamic ones; every thread of the block gets the same.
  char* static_shared(const void* key, size_t bytes) {
    const auto found = statics_.find(key);
    if (found != statics_.end()) return shared_.get() + found->second;
    const size_t offset = (static_end_ + 15) / 16 * 16;
    if (offset + bytes > shared_bytes_ + kStaticBytes)
      fail("more than 48 KiB of static __shared__");
    std::memset(shared_.get() + static_end_, kFill, offset + bytes - static_end_);
    static_end_ = offset + bytes;
    shadow_.grow(static_end_);
    statics_[key] = offset;
    return shared_.get() + offset;
  }

  void check(const char* address, size_t bytes, Shadow::Access kind) {
    const std::string problem = shadow_.access(address - shared_.get(), bytes, kind, now());
    if (!problem.empty()) fail(problem);
  }

  [[noreturn]] void fail(const std::string& problem) const {
    throw Error("CUDA harness: thread " + std::to_string(current_) + " of block (" +
                std::to_string(block_.x) + ", " + std::to_string(block_.y) + ", " +
                std::to_string(block_.z) + "): " + problem);
  }

 private:
  enum class State { ready, at_barrier, at_warp, done };
  static constexpr size_t kStaticBytes = 48 << 10;
  static constexpr int kFill = 0xFF;

  struct Thread {
    Fiber* fiber = nullptr;
    State state = State::done;
    Place place{"", 0};
    unsigned mask = 0;
    uint64_t value = 0;
    const char* kind = "";
    uint32_t warp_barriers = 0;
  };
  struct Warp {
    uint64_t values[kWarp];
  };

  void start(int threads, size_t shared_bytes) {
    while (static_cast<int>(threads_.size()) < threads) threads_.emplace_back();
    count_ = threads;
    warps_.resize((threads + kWarp - 1) / kWarp);
    barriers_ = 0;
    warp_barriers_ = 0;
    shared_bytes_ = shared_bytes;
    static_end_ = shared_bytes;
    statics_.clear();
    // What is asked for is filled with what no kernel wants to read.
    if (shared_bytes > capacity_ || !shared_) {
      shared_.reset(new char[shared_bytes + kStaticBytes]);
      capacity_ = shared_bytes;
    }
    std::memset(shared_.get(), kFill, shared_bytes);
    shadow_.clear();
    shadow_.grow(shared_bytes);
    failure_ = nullptr;
    free_.clear();
    for (const auto& fiber : fibers_) free_.push_back(fiber.get());
    for (int t = 0; t < threads; ++t) {
      threads_[t].state = State::ready;
      threads_[t].warp_barriers = 0;
    }
  }

  // A fiber runs one thread after the other until one of them has to wait, so that a kernel without
  // barriers needs a single fiber.
  void start_threads(const std::vector<int>& order, const std::function<void(int)>& body) {
    unstarted_.assign(order.rbegin(), order.rend());
    while (!unstarted_.empty()) {
      if (free_.empty()) {
        fibers_.push_back(std::make_unique<Fiber>());
        free_.push_back(fibers_.back().get());
      }
      Fiber* fiber = free_.back();
      free_.pop_back();
      fiber->prepare([this, fiber, &body] {
        try {
          while (!unstarted_.empty()) {
            current_ = unstarted_.back();
            unstarted_.pop_back();
            threads_[current_].fiber = fiber;
            enter_(current_);
            body(current_);
            threads_[current_].state = State::done;
          }
        } catch (...) {
          failure_ = std::current_exception();
        }
      });
      run_fiber(fiber);
    }
  }

  void resume(int t) {
    current_ = t;
    enter_(t);
    run_fiber(threads_[t].fiber);
  }

  void run_fiber(Fiber* fiber) {
    fiber->resume();
    if (failure_) std::rethrow_exception(failure_);
    if (fiber->done()) free_.push_back(fiber);
  }

  void wait(State state, Place place) {
    Thread& thread = threads_[current_];
    thread.state = state;
    thread.place = place;
    thread.fiber->yield();
  }

  int live() const {
    return static_cast<int>(std::count_if(threads_.begin(), threads_.begin() + count_,
                                          [](const Thread& t) { return t.state != State::done; }));
  }

  bool release_warps() {
    bool released = false;
    for (int first = 0; first < count_; first += kWarp) {
      for (int t = first; t < std::min(count_, first + kWarp); ++t) {
        if (threads_[t].state == State::at_warp && complete(first, threads_[t])) {
          release(first, threads_[t]);
          released = true;
        }
      }
    }
    return released;
  }

  bool complete(int first, const Thread& like) const {
    for (int lane = 0; lane < kWarp; ++lane) {
      if (!(like.mask >> lane & 1)) continue;
      if (first + lane >= count_) return false;
      const Thread& other = threads_[first + lane];
      if (other.state != State::at_warp || other.mask != like.mask ||
          !(other.place == like.place) || std::string(other.kind) != like.kind) {
        return false;
      }
    }
    return true;
  }

  void release(int first, const Thread& like) {
    const unsigned mask = like.mask;
    const bool orders_memory = std::string(like.kind) == "__syncwarp";
    if (orders_memory) ++warp_barriers_;
    for (int lane = 0; lane < kWarp; ++lane) {
      if (!(mask >> lane & 1)) continue;
      Thread& thread = threads_[first + lane];
      warps_[first / kWarp].values[lane] = thread.value;
      if (orders_memory) thread.warp_barriers = warp_barriers_;
      thread.state = State::ready;
    }
  }

  bool release_barrier() {
    const Thread* like = nullptr;
    for (int t = 0; t < count_; ++t) {
      const Thread& thread = threads_[t];
      if (thread.state == State::done) continue;
      if (thread.state != State::at_barrier) return false;
      if (like != nullptr && !(like->place == thread.place)) return false;
      like = &thread;
    }
    ++barriers_;
    for (int t = 0; t < count_; ++t) {
      if (threads_[t].state == State::at_barrier) threads_[t].state = State::ready;
    }
    return true;
  }

  [[noreturn]] void fail_divergent() {
    std::map<std::string, std::pair<int, int>> waiting;  // where: how many, the first
    for (int t = 0; t < count_; ++t) {
      if (threads_[t].state == State::done) continue;
      const bool warp = threads_[t].state == State::at_warp;
      const std::string where = std::string(warp ? threads_[t].kind : "__syncthreads") + " at " +
                                threads_[t].place.text();
      auto& entry = waiting.emplace(where, std::make_pair(0, t)).first->second;
      ++entry.first;
    }
    std::string text;
    for (const auto& [where, entry] : waiting) {
      text += (text.empty() ? "" : "; ") + std::to_string(entry.first) + " threads (the first is " +
              std::to_string(entry.second) + ") wait for " + where;
    }
    const int ended = count_ - live();
    fail("divergent barrier: " + text + "; " + std::to_string(ended) + " have ended");
  }

  Index block_;
  std::function<void(int)> enter_;
  std::mt19937_64 random_;
  std::vector<Thread> threads_;
  std::vector<std::unique_ptr<Fiber>> fibers_;
  std::vector<Fiber*> free_;
  std::vector<int> unstarted_;  // threads, the next one last
  std::vector<Warp> warps_;
  int count_ = 0, current_ = 0;
  uint32_t barriers_ = 0, warp_barriers_ = 0;
  std::unique_ptr<char[]> shared_;
  size_t shared_bytes_ = 0, static_end_ = 0, capacity_ = 0;
  std::map<const void*, size_t> statics_;
  Shadow shadow_;
  std::exception_ptr failure_;
};

inline Block& block() {
  static Block one;
  return one;
}

}  // namespace tegnas::cuda::harness
