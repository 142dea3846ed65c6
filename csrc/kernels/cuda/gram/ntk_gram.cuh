// The Gram of per-image weight gradients on the device: panel by panel, then the sum of the splits.
#pragma once

#include <cstdint>

#include "kernels/cuda/gram/plan.h"
#include "kernels/cuda/gram/products.cuh"
#include "kernels/cuda/gram/rows.cuh"

namespace tegnas::cuda::gram {

inline Tensor device_tensor(const cpu::gram::View& view) {
  Tensor tensor{view.data, {}};
  std::copy_n(view.strides, 5, tensor.strides);
  return tensor;
}

inline Piece device_piece(const Layer& layer, const Operands& operands, const Columns& columns) {
  const auto number = [](int64_t value) { return static_cast<int>(value); };
  return Piece{device_tensor(operands.input),
               device_tensor(operands.gradient),
               number(operands.input.size[0]),
               number(operands.input.size[1]),
               number(operands.gradient.size[0]),
               number(operands.gradient.size[1]),
               number(layer.kernel[0]),
               number(layer.kernel[1]),
               number(layer.stride[0]),
               number(layer.stride[1]),
               number(layer.padding[0]),
               number(layer.padding[1]),
               number(layer.dilation[0]),
               number(layer.dilation[1]),
               number(columns.first_group),
               number(columns.groups),
               number(layer.in_channels),
               number(layer.out_channels),
               number(columns.out_begin),
               number(columns.outs),
               columns.column};
}

template <typename T>
Linear<T> device_linear(const Operands& operands) {
  const auto &x = operands.input, &g = operands.gradient;
  return {static_cast<const T*>(x.data),
          static_cast<const T*>(g.data),
          {x.strides[0], x.strides[1], x.strides[2]},
          {g.strides[0], g.strides[1], g.strides[2]}};
}

class Assembly {
 public:
  Assembly(const Stream& stream, const Problem& problem, const Plan& plan, void* workspace)
      : stream_(stream),
        problem_(problem),
        plan_(plan),
        left_(static_cast<char*>(workspace)),
        right_(problem.symmetric() ? left_ : left_ + plan.left_bytes),
        partial_{reinterpret_cast<double*>(left_ + plan.left_bytes + plan.right_bytes),
                 0,
                 0,
                 static_cast<int>(problem.networks),
                 static_cast<int>(problem.left_images),
                 static_cast<int>(problem.right_images),
                 problem.symmetric()} {}

  void run(double* out) {
    stream_.clear(partial_.data, plan_.partial_bytes);
    for (int64_t first = 0; first < problem_.networks; first += plan_.networks_at_once) {
      partial_.first_network = static_cast<int>(first);
      partial_.networks =
          static_cast<int>(std::min(plan_.networks_at_once, problem_.networks - first));
      for (const Panel& panel : plan_.panels) {
        panel.float64 ? add_panel<double>(panel) : add_panel<float>(panel);
      }
      for (size_t layer : plan_.linear) {
        problem_.layers[layer].float64 ? add_linear<double>(layer) : add_linear<float>(layer);
      }
    }
    const int64_t size = problem_.networks * problem_.left_images * problem_.right_images;
    stream_.launch("ntk_gram sum", dim3(static_cast<unsigned>(ceil_div(size, kSumThreads))),
                   dim3(kSumThreads), 0, sum_kernel, partial_, static_cast<int>(plan_.splits), out);
  }

 private:
  template <typename T>
  void fill(const Panel& panel, const std::vector<Operands>& side, int64_t images, void* to) {
    const Rows rows{to, panel.width, partial_.first_network, partial_.networks,
                    static_cast<int>(images)};
    for (const Columns& columns : panel.pieces) {
      const Layer& layer = problem_.layers[columns.layer];
      fill_rows<T>(stream_, device_piece(layer, side[columns.layer], columns), layer.scale, rows);
    }
  }

  template <typename T>
  void add_panel(const Panel& panel) {
    fill<T>(panel, problem_.left, problem_.left_images, left_);
    if (!problem_.symmetric()) fill<T>(panel, problem_.right, problem_.right_images, right_);
    const int64_t split_width = ceil_div(ceil_div(panel.width, plan_.splits), kColumns) * kColumns;
    const dim3 grid(static_cast<unsigned>(partial_.networks * partial_.tiles()),
                    static_cast<unsigned>(ceil_div(panel.width, split_width)));
    stream_.launch("ntk_gram products", grid, dim3(kProductThreads), 0, products_kernel<T>,
                   reinterpret_cast<const T*>(left_), reinterpret_cast<const T*>(right_),
                   panel.width, split_width, partial_);
  }

  template <typename T>
  void add_linear(size_t index) {
    const Layer& layer = problem_.layers[index];
    const Linear<T> left = device_linear<T>(problem_.left[index]);
    const Linear<T> right = problem_.symmetric() ? left : device_linear<T>(problem_.right[index]);
    stream_.launch("ntk_gram linear",
                   dim3(static_cast<unsigned>(partial_.networks * partial_.tiles())),
                   dim3(kProductThreads), 0, linear_kernel<T>, left, right, layer.in_channels,
                   layer.out_channels, partial_);
  }

  const Stream& stream_;
  const Problem& problem_;
  const Plan& plan_;
  char *left_, *right_;
  Partial partial_;
};

// out (networks, left, right) on the device, as cpu::gram::ntk_gram; workspace: plan.workspace()
// bytes of device memory, aligned to 8.
inline void ntk_gram(const Stream& stream, const Problem& problem, const Plan& plan,
                     void* workspace, double* out) {
  if (problem.networks * problem.left_images * problem.right_images == 0) return;
  Assembly(stream, problem, plan, workspace).run(out);
}

}  // namespace tegnas::cuda::gram
