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
  const double left = t.other.place.at >= 0 ? out : 0;  // for the sweep back
  double numbers = 0, flops = 0;
  switch (description_of(kind).effort) {
    case Effort::write:
      numbers = out;
      break;
    case Effort::conv:
      numbers = in + out + weights;
      flops = 2 * out * weights_of_output(t);
      break;
    case Effort::parts:
      numbers = in + (t.parts > 0 ? out : 0);
      flops = in;
      break;
    case Effort::window:
      numbers = in + out + left;
      flops = out * taps;
      break;
    case Effort::linear:
      numbers = in + out + t.out.c * static_cast<double>(t.in.place.size());
      flops = 2 * out * t.in.place.size();
      break;
    case Effort::function:
      numbers = in + out + left;
      flops = kFunctionFlops * out;
      break;
    case Effort::statistics:
      numbers = 2 * in;
      flops = 4 * in;
      break;
    case Effort::read:
      numbers = in;
      flops = in;
      break;
    case Effort::seed:
      numbers = to;
      break;
    case Effort::pull_conv:
      numbers = grad + again * to + mask;
      flops = 2 * grad * weights_of_output(t);
      break;
    case Effort::pull_linear:
      numbers = grad + again * to + mask;
      flops = 2 * grad * t.in.place.size();
      break;
    case Effort::norm_sums:
      numbers = in + grad;
      flops = 4 * grad;
      break;
    case Effort::conv_rows:
      numbers = in + grad + weights * n;
      flops = 2 * grad * weights_of_output(t);
      break;
    case Effort::linear_rows:
      numbers = in + grad + t.out.c * static_cast<double>(t.in.place.size()) * n;
      flops = grad * t.in.place.size();
      break;
    case Effort::norm_rows:
      numbers = in + grad + t.in.place.c * n;
      flops = 4 * grad;
      break;
    case Effort::pull_product:
      numbers = grad + t.other.place.size() * n + again * to + mask;
      flops = 2 * (grad > to ? grad : to);
      break;
    case Effort::pull:
      numbers = grad + again * to + mask;
      flops = to * taps;
      break;
  }
  return {numbers * width, flops};
}

}  // namespace tegnas::cuda::grouped
