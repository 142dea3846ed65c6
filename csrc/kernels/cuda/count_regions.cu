#include <cub/device/device_merge_sort.cuh>

#include "kernels/cuda/count_regions.cuh"
#include "kernels/cuda/launch.h"

namespace tegnas::cuda {
namespace {

using regions::Key;
using regions::Patterns;
using regions::RowOrder;

size_t key_bytes(int64_t rows) { return (rows * sizeof(Key) + 255) / 256 * 256; }

}  // namespace

size_t count_regions_workspace(int64_t networks, int64_t inputs, int64_t words) {
  const int64_t rows = networks * inputs;
  size_t sort_bytes = 0;
  check(cub::DeviceMergeSort::SortKeys(nullptr, sort_bytes, static_cast<Key*>(nullptr), rows,
                                       RowOrder{Patterns{nullptr, inputs, words}}),
        "sort");
  return key_bytes(rows) + sort_bytes;
}

void launch_count_regions(cudaStream_t stream, const int64_t* data, int64_t networks,
                          int64_t inputs, int64_t words, void* workspace, int64_t* counts) {
  const Stream on(stream);
  const Patterns patterns{reinterpret_cast<const uint64_t*>(data), inputs, words};
  const int64_t rows = networks * inputs;
  Key* keys = static_cast<Key*>(workspace);
  hash_rows(on, patterns, networks, keys);
  if (rows > 0) {
    size_t sort_bytes = count_regions_workspace(networks, inputs, words) - key_bytes(rows);
    check(cub::DeviceMergeSort::SortKeys(static_cast<char*>(workspace) + key_bytes(rows),
                                         sort_bytes, keys, rows, RowOrder{patterns}, stream),
          "sort");
  }
  count_sorted(on, patterns, networks, keys, counts);
}

}  // namespace tegnas::cuda
