#include "kernels/cuda/grouped/work.h"

namespace tegnas::cuda::grouped {

// About what a sigmoid and its derivative take.
constexpr double kFunctionFlops = 20;

Cost cost_of(const Task& t, Kind kind, const Extent& e, int64_t width) {
  const double n = static_cast<double>(e.images), seeds = static_cast<double>(e.seeds);
  const double in = t.in.place.size() * n, out = t.out.size() * n;
  const double grad = t.out.size() * n * seeds, to = t.in.place.size() * n * seeds;
  const double again = t.first ? 1 : 2;  // adding reads what is there
  const double mask = t.in.relu ? in : 0;
  const double taps = static_cast<double>(t.window.kh) * t.window.kw;
  const double weights = t.out.c * static_cast<double>(weights_of_output(t));
  double numbers = 0, flops = 0;
  switch (kind) {
    case Kind::fill:
      numbers = out;
      break;
    case Kind::conv:
      numbers = in + out + weights;
      flops = 2 * out * weights_of_output(t);
      break;
    case Kind::sum:
    case Kind::product:
      numbers = in + (t.parts > 0 ? out : 0);
      flops = in;
      break;
    case Kind::avg_pool:
    case Kind::max_pool:
      numbers = in + out * (kind == Kind::max_pool ? 2 : 1);
      flops = out * taps;
      break;
    case Kind::global_avg_pool:
      numbers = in + t.in.place.c * n;
      flops = in;
      break;
    case Kind::linear:
      numbers = in + out + t.out.c * static_cast<double>(t.in.place.size());
      flops = 2 * out * t.in.place.size();
      break;
    case Kind::apply:
      numbers = in + out + (t.other.place.at >= 0 ? out : 0);
      flops = kFunctionFlops * out;
      break;
    case Kind::statistics:
      numbers = 2 * in;
      flops = 4 * in;
      break;
    case Kind::signs:
      numbers = in;
      flops = in;
      break;
    case Kind::seed:
      numbers = to;
      break;
    case Kind::conv_grad:
      numbers = grad + again * to + mask;
      flops = 2 * grad * weights_of_output(t);
      break;
    case Kind::linear_grad:
      numbers = grad + again * to + mask;
      flops = 2 * grad * t.in.place.size();
      break;
    case Kind::norm_sums:
      numbers = in + grad;
      flops = 4 * grad;
      break;
    case Kind::conv_rows:
      numbers = in + grad + weights * n;
      flops = 2 * grad * weights_of_output(t);
      break;
    case Kind::linear_rows:
      numbers = in + grad + t.out.c * static_cast<double>(t.in.place.size()) * n;
      flops = grad * t.in.place.size();
      break;
    case Kind::norm_rows:
      numbers = in + grad + t.in.place.c * n;
      flops = 4 * grad;
      break;
    case Kind::product_grad:
      numbers = grad + t.other.place.size() * n + again * to + mask;
      flops = 2 * (grad > to ? grad : to);
      break;
    case Kind::sum_grad:
    case Kind::avg_pool_grad:
    case Kind::max_pool_grad:
    case Kind::global_avg_pool_grad:
    case Kind::norm_grad:
      numbers = grad + again * to + mask;
      flops = to * taps;
      break;
    case Kind::none:
      break;
  }
  return {numbers * width, flops};
}

}  // namespace tegnas::cuda::grouped
