// The harness itself: what it computes, and that it catches what it says it catches.

#include "tests/cuda/check.h"

namespace {

using tegnas::cuda::SharedArena;
using tegnas::cuda::SharedArray;
using tegnas::cuda::Stream;
using tegnas::test::expect;

constexpr unsigned kAll = 0xFFFFFFFFu;

template <typename... P, typename... A>
void expect_error(const std::string& words, dim3 block, size_t shared, void (*kernel)(P...),
                  A... arguments) {
  std::string message = "nothing";
  try {
    Stream().launch("test", dim3(1), block, shared, kernel, arguments...);
  } catch (const tegnas::cuda::harness::Error& error) {
    message = error.what();
  }
  expect(message.find(words) != std::string::npos, "'" + words + "' is in '" + message + "'");
}

__global__ void sum_kernel(const int* from, int count, int* to) {
  TEGNAS_SHARED(int, sums, 4);
  int sum = 0;
  for (int i = threadIdx.x; i < count; i += blockDim.x) sum += from[i];
  for (int by = 16; by > 0; by /= 2) sum += __shfl_down_sync(kAll, sum, by);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = sum;
  __syncthreads();
  if (threadIdx.x == 0) to[blockIdx.x] = sums[0] + sums[1] + sums[2] + sums[3];
}

void sums_are_right_in_every_order() {
  tegnas::test::in_every_order([] {
    std::vector<int> from(1000), to(3, -1);
    for (int i = 0; i < 1000; ++i) from[i] = i;
    Stream().launch("sum", dim3(3), dim3(128), 0, sum_kernel, from.data(), 1000, to.data());
    for (int sum : to) expect(sum == 499500, "sum of 0..999");
  });
}

__global__ void lanes_kernel(unsigned* out) {
  const int lane = threadIdx.x;
  out[lane] = __ballot_sync(kAll, lane % 3 == 0);
  out[32 + lane] = __shfl_sync(kAll, lane * 10, 5);
  out[64 + lane] = __shfl_xor_sync(kAll, lane, 3);
  out[96 + lane] = __shfl_up_sync(kAll, lane, 2u);
  out[128 + lane] = __shfl_down_sync(kAll, lane, 2u, 8);
  out[160 + lane] = __any_sync(kAll, lane == 7) + 2 * __all_sync(kAll, lane < 31);
  if (lane < 4) out[192 + lane] = __shfl_sync(0xFu, lane, 3 - lane);
}

void lanes_exchange() {
  std::vector<unsigned> out(196);
  Stream().launch("lanes", dim3(1), dim3(32), 0, lanes_kernel, out.data());
  for (unsigned lane = 0; lane < 32; ++lane) {
    expect(out[lane] == 0x49249249u, "ballot");
    expect(out[32 + lane] == 50, "shfl");
    expect(out[64 + lane] == (lane ^ 3), "shfl_xor");
    expect(out[96 + lane] == (lane < 2 ? lane : lane - 2), "shfl_up");
    expect(out[128 + lane] == (lane % 8 < 6 ? lane + 2 : lane), "shfl_down with a width");
    expect(out[160 + lane] == 1, "any and all");
  }
  for (unsigned lane = 0; lane < 4; ++lane) expect(out[192 + lane] == 3 - lane, "part of a warp");
}

__global__ void atomics_kernel(unsigned* count, unsigned long long* most, int* taken) {
  TEGNAS_SHARED(int, inside, 1);
  if (threadIdx.x == 0) inside[0] = 0;
  __syncthreads();
  atomicAdd(&inside[0], 1);
  atomicAdd(count, 1u);
  atomicMax(most, static_cast<unsigned long long>(threadIdx.x));
  atomicCAS(taken, -1, static_cast<int>(threadIdx.x));
  __syncthreads();
  if (threadIdx.x == 0) atomicAdd(count, static_cast<unsigned>(inside[0]));
}

void atomics_count() {
  unsigned count = 0;
  unsigned long long most = 0;
  int taken = -1;
  Stream().launch("atomics", dim3(2), dim3(48), 0, atomics_kernel, &count, &most, &taken);
  expect(count == 192 && most == 47 && taken == 0, "atomics");
}

__global__ void divergent_kernel() {
  if (threadIdx.x < 7) __syncthreads();
}
__global__ void two_barriers_kernel() {
  if (threadIdx.x < 7) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}
__global__ void half_shuffle_kernel(int* out) {
  if (threadIdx.x < 16) out[threadIdx.x] = __shfl_sync(kAll, 1, 0);
}
__global__ void partial_warp_kernel(int* out) { out[threadIdx.x] = __ballot_sync(kAll, 1) != 0; }
__global__ void outside_mask_kernel(int* out) { out[threadIdx.x] = __shfl_sync(0x3u, 1, 9); }

void divergence_is_caught() {
  int out[64];
  // Threads that have ended are not waited for; those that wait elsewhere are.
  Stream().launch("ended", dim3(1), dim3(64), 0, divergent_kernel);
  expect_error("divergent barrier", dim3(64), 0, two_barriers_kernel);
  expect_error("divergent barrier", dim3(32), 0, half_shuffle_kernel, static_cast<int*>(out));
  expect_error("divergent barrier", dim3(20), 0, partial_warp_kernel, static_cast<int*>(out));
  expect_error("not in the mask", dim3(2), 0, outside_mask_kernel, static_cast<int*>(out));
}

__global__ void uninitialised_kernel(int* out) {
  SharedArena arena;
  const SharedArray<int> values = arena.take<int>(8);
  if (threadIdx.x < 7) values[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = values[threadIdx.x];
}
__global__ void out_of_bounds_kernel() {
  SharedArena arena;
  const SharedArray<int> values = arena.take<int>(8);
  values[threadIdx.x] = 1;
}
__global__ void too_much_kernel() {
  SharedArena arena;
  arena.take<int>(1);
  arena.take<double>(8);
}
__global__ void read_race_kernel(int* out) {
  TEGNAS_SHARED(int, values, 64);
  values[threadIdx.x] = 1;
  out[threadIdx.x] = values[63 - threadIdx.x];
}
__global__ void write_race_kernel(int* out) {
  TEGNAS_SHARED(int, values, 64);
  values[threadIdx.x] = 1;
  __syncthreads();
  out[threadIdx.x] = values[63 - threadIdx.x];
  values[threadIdx.x] = 2;
}
// A barrier of the warp is enough within it, and not between warps.
__global__ void warp_barrier_kernel(int* out, int distance) {
  TEGNAS_SHARED(int, values, 64);
  values[threadIdx.x] = threadIdx.x;
  __syncwarp();
  out[threadIdx.x] = values[threadIdx.x ^ distance];
}
__global__ void shuffle_orders_nothing_kernel(int* out) {
  TEGNAS_SHARED(int, values, 32);
  values[threadIdx.x] = threadIdx.x;
  __shfl_sync(kAll, 0, 0);
  out[threadIdx.x] = values[threadIdx.x ^ 1];
}

void misuse_of_shared_memory_is_caught() {
  std::vector<int> out(64);
  tegnas::test::in_every_order([&] {
    expect_error("nothing was written", dim3(8), 32, uninitialised_kernel, out.data());
    expect_error("index 8 of a shared array of 8", dim3(9), 32, out_of_bounds_kernel);
    expect_error("72 bytes", dim3(1), 64, too_much_kernel);
    // A race; or, where the reader came first, a read of what is not there yet.
    expect_error("shared memory", dim3(64), 0, read_race_kernel, out.data());
    expect_error("shared memory", dim3(64), 0, write_race_kernel, out.data());
    expect_error("shared memory", dim3(64), 0, warp_barrier_kernel, out.data(), 32);
    expect_error("shared memory", dim3(32), 0, shuffle_orders_nothing_kernel, out.data());
    Stream().launch("warp", dim3(1), dim3(64), 0, warp_barrier_kernel, out.data(), 3);
  });
}

void impossible_launches_are_caught() {
  expect_error("too large", dim3(1025), 0, divergent_kernel);
  expect_error("too large", dim3(32), 200 << 10, divergent_kernel);
}

__global__ void last_writer_kernel(int* out) { *out = blockIdx.x * 64 + threadIdx.x; }

void orders_differ() {
  std::vector<int> last;
  tegnas::test::in_every_order([&] {
    int out = -1;
    Stream().launch("last", dim3(16), dim3(64), 0, last_writer_kernel, &out);
    last.push_back(out);
  });
  expect(last[0] == 1023, "the order of the index");
  expect(last[1] != last[0] || last[2] != last[0], "a kernel that depends on the order shows it");
}

}  // namespace

int main() {
  return tegnas::test::run_all({
      {"sums are right in every order", sums_are_right_in_every_order},
      {"lanes exchange", lanes_exchange},
      {"atomics count", atomics_count},
      {"divergence is caught", divergence_is_caught},
      {"misuse of shared memory is caught", misuse_of_shared_memory_is_caught},
      {"impossible launches are caught", impossible_launches_are_caught},
      {"orders differ", orders_differ},
  });
}
