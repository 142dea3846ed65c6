// Shared memory whose every access is checked: bounds, initialisation, races.
#pragma once

#include <cstring>
#include <string>
#include <type_traits>

#include "tests/cuda/harness/block.h"

namespace tegnas::cuda {

// What indexing a SharedArray gives; reads and writes like a T&.
template <typename T>
class SharedReference {
 public:
  explicit SharedReference(char* address) : address_(address) {}
  SharedReference(const SharedReference&) = default;

  operator T() const {
    harness::block().check(address_, sizeof(T), harness::Shadow::Access::read);
    return get();
  }
  const SharedReference& operator=(T value) const {
    harness::block().check(address_, sizeof(T), harness::Shadow::Access::write);
    put(value);
    return *this;
  }
  const SharedReference& operator=(const SharedReference& other) const {
    return *this = static_cast<T>(other);
  }
  const SharedReference& operator+=(T value) const { return *this = static_cast<T>(*this) + value; }
  const SharedReference& operator-=(T value) const { return *this = static_cast<T>(*this) - value; }
  const SharedReference& operator*=(T value) const { return *this = static_cast<T>(*this) * value; }
  const SharedReference& operator|=(T value) const { return *this = static_cast<T>(*this) | value; }

  template <typename Change>
  T atomically(Change change) const {
    harness::block().check(address_, sizeof(T), harness::Shadow::Access::atomic);
    const T old = get();
    put(change(old));
    return old;
  }

  // The address is good for atomics.
  SharedReference operator&() const { return *this; }

 private:
  T get() const {
    T value;
    std::memcpy(&value, address_, sizeof(T));
    return value;
  }
  void put(T value) const { std::memcpy(address_, &value, sizeof(T)); }

  char* address_;
};

template <typename T>
class SharedArray {
 public:
  static_assert(sizeof(T) % 4 == 0, "the harness keeps track of shared memory by four bytes");

  SharedArray(char* data, int count) : data_(data), count_(count) {}

  SharedReference<T> operator[](int index) const {
    if (index < 0 || index >= count_) {
      harness::block().fail("index " + std::to_string(index) + " of a shared array of " +
                            std::to_string(count_));
    }
    return SharedReference<T>(data_ + static_cast<size_t>(index) * sizeof(T));
  }

 private:
  char* data_;
  int count_;
};

class SharedArena {
 public:
  template <typename T>
  SharedArray<T> take(int count) {
    const size_t begin = (used_ + sizeof(T) - 1) / sizeof(T) * sizeof(T);
    used_ = begin + static_cast<size_t>(count) * sizeof(T);
    if (used_ > harness::block().shared_bytes()) {
      harness::block().fail("takes " + std::to_string(used_) + " bytes of shared memory, " +
                            std::to_string(harness::block().shared_bytes()) + " were asked for");
    }
    return SharedArray<T>(harness::block().shared() + begin, count);
  }

 private:
  size_t used_ = 0;
};

#define TEGNAS_SHARED(T, name, count)        \
  static const char name##_key = 0;          \
  const ::tegnas::cuda::SharedArray<T> name( \
      ::tegnas::cuda::harness::block().static_shared(&name##_key, (count) * sizeof(T)), (count))

}  // namespace tegnas::cuda

template <typename T>
T atomicAdd(const tegnas::cuda::SharedReference<T>& address, T value) {
  static_assert(std::is_integral_v<T>, "floating-point atomics depend on the order of threads");
  return address.atomically([value](T old) { return static_cast<T>(old + value); });
}
template <typename T>
T atomicMax(const tegnas::cuda::SharedReference<T>& address, T value) {
  return address.atomically([value](T old) { return old > value ? old : value; });
}
template <typename T>
T atomicCAS(const tegnas::cuda::SharedReference<T>& address, T expected, T value) {
  return address.atomically([=](T old) { return old == expected ? value : old; });
}
