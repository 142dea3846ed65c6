#include "ops/gram_problem.h"

#include <algorithm>
#include <array>
#include <vector>

#include "kernels/machine_memory.h"
#include "ops/refusing.h"

namespace tegnas {
namespace {

namespace gram = cpu::gram;

// Of each layer: kind, kernel (2), stride (2), padding (2), dilation (2), groups.
constexpr int64_t kGeometry = 10;
enum Kind : int64_t { kConv2d = 0, kLinear = 1, kScale = 2 };

// Far above any convolution, and low enough that its positions can be counted.
constexpr int64_t kMostGeometry = int64_t{1} << 20;  // kernel, stride, padding, dilation
constexpr int64_t kMostNumbers = int64_t{1} << 31;   // of a weight; of a channel with its padding

int64_t output_size(const gram::Layer& layer, int d, int64_t input) {
  const int64_t reach = layer.dilation[d] * (layer.kernel[d] - 1) + 1;
  const int64_t room = input + 2 * layer.padding[d] - reach;
  return room < 0 ? 0 : room / layer.stride[d] + 1;
}

void check_numbers(const gram::Layer& layer, const Tensor& input) {
  Checked padded = 1;
  for (int d = 0; d < 2; ++d) padded = padded * (Checked(2) * layer.padding[d] + input.size(3 + d));
  const Checked weights =
      Checked(layer.taps()) * layer.in_channels * layer.out_channels * layer.groups;
  TEGNAS_CHECK_VALUE(padded.value() <= kMostNumbers && weights.value() <= kMostNumbers,
                     "ntk_gram: a convolution of ", weights.value(), " weights over planes of ",
                     padded.value(),
                     " numbers with their padding is too large; at most 2^31 each.");
}

gram::Layer conv_layer(const Tensor& input, const Tensor& grad, const int64_t* geometry) {
  TEGNAS_CHECK_VALUE(input.dim() == 5 && grad.dim() == 5,
                     "ntk_gram: a convolution needs input and gradient of shape (networks, images, "
                     "channels, height, width), got ",
                     input.sizes(), " and ", grad.sizes(), ".");
  gram::Layer layer;
  for (int d = 0; d < 2; ++d) {
    layer.kernel[d] = geometry[1 + d];
    layer.stride[d] = geometry[3 + d];
    layer.padding[d] = geometry[5 + d];
    layer.dilation[d] = geometry[7 + d];
    TEGNAS_CHECK_VALUE(
        layer.kernel[d] > 0 && layer.stride[d] > 0 && layer.padding[d] >= 0 &&
            layer.dilation[d] > 0,
        "ntk_gram: kernel size, stride and dilation must be positive and padding not "
        "negative.");
    TEGNAS_CHECK_VALUE(std::max({layer.kernel[d], layer.stride[d], layer.padding[d],
                                 layer.dilation[d]}) <= kMostGeometry,
                       "ntk_gram: kernel size, stride, padding and dilation must be at most 2^20.");
  }
  layer.groups = geometry[9];
  TEGNAS_CHECK_VALUE(
      layer.groups > 0 && input.size(2) % layer.groups == 0 && grad.size(2) % layer.groups == 0,
      "ntk_gram: groups (", layer.groups, ") must divide the channels of input (", input.size(2),
      ") and gradient (", grad.size(2), ").");
  layer.in_channels = input.size(2) / layer.groups;
  layer.out_channels = grad.size(2) / layer.groups;
  for (int d = 0; d < 2; ++d) {
    const int64_t expected = output_size(layer, d, input.size(3 + d));
    TEGNAS_CHECK_VALUE(grad.size(3 + d) == expected, "ntk_gram: this convolution turns inputs of ",
                       input.sizes(), " into outputs of ", expected, " along dimension ", 3 + d,
                       ", but the gradient has shape ", grad.sizes(), ".");
  }
  check_numbers(layer, input);
  return layer;
}

gram::Layer linear_layer(const Tensor& input, const Tensor& grad) {
  TEGNAS_CHECK_VALUE(input.dim() == 4 && grad.dim() == 4 && input.size(2) == grad.size(2),
                     "ntk_gram: a linear layer needs input (networks, images, positions, in) and "
                     "gradient (networks, images, positions, out), got ",
                     input.sizes(), " and ", grad.sizes(), ".");
  gram::Layer layer;
  layer.in_channels = input.size(3);
  layer.out_channels = grad.size(3);
  return layer;
}

gram::Layer scale_layer(const Tensor& input, const Tensor& grad) {
  TEGNAS_CHECK_VALUE(input.dim() == 4 && grad.dim() == 4 && input.sizes() == grad.sizes(),
                     "ntk_gram: a scale needs input and gradient of one shape (networks, images, "
                     "channels, positions), got ",
                     input.sizes(), " and ", grad.sizes(), ".");
  gram::Layer layer;
  layer.scale = true;
  layer.in_channels = 1;
  layer.out_channels = input.size(2);
  return layer;
}

gram::Layer make_layer(const Tensor& input, const Tensor& grad, const int64_t* geometry) {
  gram::Layer layer;
  switch (geometry[0]) {
    case kConv2d:
      layer = conv_layer(input, grad, geometry);
      break;
    case kLinear:
      layer = linear_layer(input, grad);
      break;
    case kScale:
      layer = scale_layer(input, grad);
      break;
    default:
      TEGNAS_CHECK_VALUE(false, "ntk_gram: unknown kind of layer ", geometry[0], ".");
  }
  layer.float64 = dtype_of(input) == ScalarType::Double;
  return layer;
}

// (network, image, channel, y, x) with a row of positions for linear and scale layers.
gram::View make_view(const Tensor& tensor, int64_t kind) {
  gram::View view;
  view.data = tensor.const_data_ptr();
  const std::array<int64_t, 5> order = kind == kConv2d   ? std::array<int64_t, 5>{0, 1, 2, 3, 4}
                                       : kind == kLinear ? std::array<int64_t, 5>{0, 1, 3, -1, 2}
                                                         : std::array<int64_t, 5>{0, 1, 2, -1, 3};
  for (int d = 0; d < 5; ++d) {
    view.strides[d] = order[d] < 0 ? 0 : tensor.stride(order[d]);
    if (d >= 3) view.size[d - 3] = order[d] < 0 ? 1 : tensor.size(order[d]);
  }
  return view;
}

void check_pair(const Tensor& input, const Tensor& grad, const Tensor& like) {
  const auto dtype = dtype_of(input);
  TEGNAS_CHECK_TYPE(dtype == ScalarType::Float || dtype == ScalarType::Double,
                    "ntk_gram: inputs must be float32 or float64, got ", dtype, ".");
  TEGNAS_CHECK_TYPE(dtype_of(grad) == dtype, "ntk_gram: input and gradient differ in dtype (",
                    dtype, " and ", dtype_of(grad), ").");
  TEGNAS_CHECK_VALUE(input.dim() >= 4 && grad.dim() >= 4 && like.dim() >= 4 &&
                         input.size(0) == like.size(0) && input.size(1) == like.size(1) &&
                         grad.size(0) == like.size(0) && grad.size(1) == like.size(1),
                     "ntk_gram: every tensor of one side must begin with the same (networks, "
                     "images), got ",
                     input.sizes(), " and ", grad.sizes(), " beside ", like.sizes(), ".");
  for (const Tensor* tensor : {&input, &grad}) {
    check_extent("ntk_gram", *tensor);
    check_same_device("ntk_gram", *tensor, like);
  }
}

// One side's operands; checks them and appends their layers to `layers`.
std::vector<gram::Operands> make_side(const Tensors& inputs, const Tensors& grads,
                                      const std::vector<int64_t>& geometry,
                                      std::vector<gram::Layer>& layers) {
  std::vector<gram::Operands> side;
  for (size_t i = 0; i < inputs.size(); ++i) {
    check_pair(inputs[i], grads[i], inputs[0]);
    const int64_t* layer_geometry = geometry.data() + i * kGeometry;
    layers.push_back(make_layer(inputs[i], grads[i], layer_geometry));
    side.push_back(
        {make_view(inputs[i], layer_geometry[0]), make_view(grads[i], layer_geometry[0])});
  }
  return side;
}

// A layer without a number on either side adds nothing, however large its other sizes are.
void empty_where_no_numbers(const Tensors& inputs, const Tensors& grads,
                            std::vector<gram::Layer>& layers) {
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].numel() > 0 && grads[i].numel() > 0) continue;
    gram::Layer nothing;
    nothing.scale = true;
    nothing.float64 = layers[i].float64;
    layers[i] = nothing;
  }
}

}  // namespace

cpu::gram::Problem gram_problem(const Tensors& inputs, const Tensors& grads,
                                const Tensors& other_inputs, const Tensors& other_grads,
                                const std::vector<int64_t>& geometry) {
  TEGNAS_CHECK_VALUE(!inputs.empty(), "ntk_gram: at least one layer is needed.");
  TEGNAS_CHECK_VALUE(grads.size() == inputs.size() && geometry.size() == inputs.size() * kGeometry,
                     "ntk_gram: as many gradients and geometries as inputs are needed.");
  TEGNAS_CHECK_VALUE(other_inputs.size() == other_grads.size() &&
                         (other_inputs.empty() || other_inputs.size() == inputs.size()),
                     "ntk_gram: the other batch must have the same layers.");
  gram::Problem problem;
  problem.left = make_side(inputs, grads, geometry, problem.layers);
  problem.networks = inputs[0].size(0);
  problem.left_images = problem.right_images = inputs[0].size(1);
  if (!other_inputs.empty()) {
    std::vector<gram::Layer> others;
    problem.right = make_side(other_inputs, other_grads, geometry, others);
    problem.right_images = other_inputs[0].size(1);
    TEGNAS_CHECK_VALUE(other_inputs[0].size(0) == problem.networks,
                       "ntk_gram: both batches must have the same number of networks.");
    for (size_t i = 0; i < others.size(); ++i) {
      TEGNAS_CHECK_VALUE(others[i].in_channels == problem.layers[i].in_channels &&
                             others[i].out_channels == problem.layers[i].out_channels &&
                             others[i].float64 == problem.layers[i].float64,
                         "ntk_gram: layer ", i,
                         " differs in channels or dtype between the batches.");
    }
  }
  empty_where_no_numbers(inputs, grads, problem.layers);
  empty_where_no_numbers(other_inputs, other_grads, problem.layers);
  return problem;
}

Tensor empty_gram(const gram::Problem& problem, const Tensor& like) {
  check_machine_has(Checked(problem.networks) * problem.left_images * problem.right_images *
                    static_cast<int64_t>(sizeof(double)));
  return empty({problem.networks, problem.left_images, problem.right_images}, ScalarType::Double,
               like);
}

}  // namespace tegnas
