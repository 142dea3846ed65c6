// What networks of the same weights begin with whatever their architecture: the convolutions of the
// images, their norms, and the activations of these. A call with many architectures does it once
// for each vector of weights.

#include "kernels/cpu/plan/builder.h"

namespace tegnas::engine {

void PlanBuilder::define_stem() {
  std::vector<Step> stem, others;
  int64_t packed = 0;
  for (const Step& step : forward_) {
    if (!begins_network(step)) {
      others.push_back(step);
      continue;
    }
    stem.push_back(step);
    if (step.op == Op::conv2d) {
      TapConv conv = *step.conv;
      conv.packed_offset = packed;
      packed += conv.packed_size;
      stem.back().conv = keep(std::vector<TapConv>{conv});
      for (int64_t o = 0; o < conv.outs.count; ++o) {
        if (conv.outs.data[o].channel == 0) place_stem(conv.outs.data[o].buffer);
      }
    } else if (step.kind == StepKind::normalise) {
      plan_->stem_channels += norms_[step.out].channels;
    } else {
      place_stem(step.activation.buffer);
    }
    add_stem_key(step);
  }
  plan_->stem = list(stem);
  plan_->forward_weights = packed;
  forward_ = others;
}

bool PlanBuilder::begins_network(const Step& step) const {
  const auto place_of = [&](int32_t buffer) { return buffers_[buffer].place; };
  if (step.op == Op::conv2d) {
    const Place place = place_of(step.conv->activation);
    return place == Place::input || place == Place::padded_input;
  }
  if (step.kind == StepKind::normalise) return place_of(norms_[step.out].buffer) == Place::stem;
  return step.kind == StepKind::activate && place_of(step.in.data[0].buffer) == Place::stem;
}

void PlanBuilder::place_stem(int32_t number) {
  Buffer& buffer = buffers_[number];
  buffer.place = Place::stem;
  buffer.offset = plan_->stem_pixels;
  plan_->stem_pixels += buffer.c * buffer.h * buffer.w;
}

// Everything that the step's numbers depend on beside images and weights.
void PlanBuilder::add_stem_key(const Step& step) {
  const auto add = [&](auto... values) {
    (plan_->stem_key.push_back(static_cast<double>(values)), ...);
  };
  add(static_cast<int>(step.kind));
  if (step.op == Op::conv2d) {
    const TapConv& conv = *step.conv;
    const TapClass& taps = conv.classes[0];
    add(conv.groups, conv.group_weights, conv.group_pixels, conv.outs.count, taps.taps);
    add(conv.out_h, conv.out_w, conv.source_step_y, conv.source_step_x, conv.row_pixels);
    for (int64_t t = 0; t < taps.taps; ++t) add(taps.offsets[t], taps.weights[t], taps.strides[t]);
    for (int64_t o = 0; o < conv.outs.count; ++o) {
      add(conv.outs.data[o].channel, conv.outs.data[o].bias);
      add(conv.out_weights[o % (conv.outs.count / conv.groups)]);
    }
  } else if (step.kind == StepKind::normalise) {
    const Norm& norm = norms_[step.out];
    add(norm.channels, buffers_[norm.buffer].offset, norm.weight, norm.bias, norm.eps);
  } else {
    const View& view = step.in.data[0];
    const Buffer& to = buffers_[step.activation.buffer];
    add(buffers_[view.buffer].offset, view.relu, step.activation.top, step.activation.left);
    add(to.c, to.h, to.w, view.norm < 0 ? -1 : norms_[view.norm].weight);
    add(view.norm < 0 ? -1 : norms_[view.norm].bias, view.norm < 0 ? 0 : norms_[view.norm].eps);
  }
}

}  // namespace tegnas::engine
