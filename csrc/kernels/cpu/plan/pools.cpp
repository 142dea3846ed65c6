// The windows of pools, tabulated once so that the executor neither divides nor looks for borders.

#include <algorithm>

#include "kernels/cpu/plan/builder.h"

namespace tegnas::engine {
namespace {

int32_t bounded(int64_t value, int64_t limit) {
  return static_cast<int32_t>(std::min(std::max<int64_t>(value, 0), limit));
}

struct AxisTable {
  std::vector<Range> windows, inputs;
  std::vector<double> scale;
};

AxisTable tabulate(int64_t size, int64_t kernel, int64_t stride, int64_t pad, bool include) {
  AxisTable table;
  const int64_t windows = window_output(size, kernel, stride, pad, 1);
  for (int64_t i = 0; i < windows; ++i) {
    const int64_t first = i * stride - pad;
    const Range range{bounded(first, size), bounded(first + kernel, size)};
    table.windows.push_back(range);
    table.scale.push_back(1.0 / static_cast<double>(include ? kernel : range.end - range.begin));
  }
  for (int64_t x = 0; x < size; ++x) {
    const int64_t first = std::max<int64_t>(0, x + pad - kernel + 1);
    const int32_t end = bounded((x + pad) / stride + 1, windows);
    table.inputs.push_back({std::min(end, bounded((first + stride - 1) / stride, windows)), end});
  }
  return table;
}

// The longest range of entries that span `kernel` (they are neighbours).
Range full(const std::vector<Range>& ranges, int64_t kernel) {
  Range found{0, 0};
  for (size_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i].end - ranges[i].begin != kernel) continue;
    if (found.begin == found.end) found.begin = static_cast<int32_t>(i);
    found.end = static_cast<int32_t>(i) + 1;
  }
  return found;
}

}  // namespace

const Pool* PlanBuilder::pool_of(const Instruction& i) {
  const Shape in = program_.shapes[i.in[0]];
  const Window& w = i.window;
  for (const KnownPool& known : pools_) {
    if (known.window == w && known.height == in.h && known.width == in.w &&
        known.include == i.count_include_pad) {
      return known.pool;
    }
  }
  const auto axis = [&](int64_t size, int64_t kernel, int64_t stride, int64_t pad) {
    const AxisTable table = tabulate(size, kernel, stride, pad, i.count_include_pad);
    PoolAxis axis{kernel,
                  stride,
                  pad,
                  keep(table.windows),
                  keep(table.inputs),
                  keep(table.scale),
                  full(table.windows, kernel),
                  {0, 0}};
    if (stride == 1) axis.inner = full(table.inputs, kernel);
    return axis;
  };
  const Pool pool{axis(in.h, w.kh, w.sh, w.ph), axis(in.w, w.kw, w.sw, w.pw)};
  pools_.push_back({w, in.h, in.w, i.count_include_pad, keep(std::vector<Pool>{pool})});
  return pools_.back().pool;
}

}  // namespace tegnas::engine
