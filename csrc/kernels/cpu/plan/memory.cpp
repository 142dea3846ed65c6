// Where every buffer lies: buffers whose lifetimes do not overlap share memory.

#include <algorithm>

#include "kernels/checked.h"
#include "kernels/cpu/plan/builder.h"

namespace tegnas::engine {
namespace {

struct Life {
  int64_t begin = -1, end = -1;  // times of the first and last run or segment that touch the buffer
};

// Finds offsets for the buffers of some places, first fit in order of birth.
int64_t place(std::vector<Buffer>& buffers, const std::vector<Life>& lives,
              const std::vector<Place>& places) {
  std::vector<int32_t> order, placed;
  for (size_t b = 1; b < buffers.size(); ++b) {
    const bool wanted = std::find(places.begin(), places.end(), buffers[b].place) != places.end();
    if (lives[b].begin >= 0 && wanted) order.push_back(static_cast<int32_t>(b));
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return lives[a].begin < lives[b].begin; });
  int64_t total = 0;
  for (int32_t b : order) {
    std::vector<std::pair<int64_t, int64_t>> taken;
    for (int32_t other : placed) {
      if (lives[other].end >= lives[b].begin) {
        const Buffer& o = buffers[other];
        taken.push_back({o.offset, o.offset + o.c * o.h * o.w});
      }
    }
    std::sort(taken.begin(), taken.end());
    const int64_t size = buffers[b].c * buffers[b].h * buffers[b].w;
    int64_t at = 0;
    for (const auto& [begin, end] : taken) {
      if (at + size <= begin) break;
      at = std::max(at, end);
    }
    buffers[b].offset = at;
    total = std::max(total, (Checked(at) + size).value());
    placed.push_back(b);
  }
  return total;
}

}  // namespace

// Calls touch(buffer) for all buffers that a forward step reads or writes.
template <typename Touch>
void PlanBuilder::touch_step(const Step& step, const Touch& touch) const {
  touch(step.activation.buffer);
  touch(step.index);
  touch(step.slope);
  if (step.conv != nullptr) {
    touch(step.conv->activation);
    for (int64_t o = 0; o < step.conv->outs.count; ++o) touch(step.conv->outs.data[o].buffer);
    return;
  }
  for (const List<View>& views : {step.in, step.pooled}) {
    for (int64_t k = 0; k < views.count; ++k) touch(views.data[k].buffer);
  }
  if (step.kind == StepKind::normalise) {
    touch(norms_[step.out].buffer);
  } else if (step.keep) {
    touch(step.out);
  }
}

void PlanBuilder::allocate() {
  const bool coupled = analysis_.purpose == Purpose::coupled;
  std::vector<Life> lives(buffers_.size());
  int64_t now = 0;
  const auto touch = [&](int32_t buffer) {
    if (buffer < 0) return;
    if (lives[buffer].begin < 0) lives[buffer].begin = now;
    lives[buffer].end = now;
  };
  const auto touch_gradient = [&](const GradRef& ref) {
    touch(ref.buffer);
    if (ref.buffer >= 0) touch(buffers_[ref.buffer].sums);
    // The coupled gradient of a norm's input reads that input.
    if (ref.norm >= 0 && coupled) touch(norms_[ref.norm].buffer);
  };
  // A run goes block by block, so within it nothing may take another buffer's place.
  std::vector<bool> by_block;  // by time
  for (const Run& run : runs_) {
    for (int64_t s = run.first; s < run.last; ++s) touch_step(forward_[s], touch);
    by_block.push_back(!run.whole);
    ++now;
  }
  if (analysis_.purpose != Purpose::regions) touch(plan_->logits.buffer);
  const auto touch_collect = [&](const Collect& collect) {
    touch_gradient({collect.out, 0, -1});
    if (collect.relu_convs.count + collect.relu_rows.count > 0) {
      touch(collect.mask.buffer >= 0 ? collect.mask.buffer : collect.view.buffer);
    }
    for (const auto* convs : {&collect.relu_convs, &collect.plain_convs}) {
      for (int64_t k = 0; k < convs->count; ++k) {
        const List<TapSource>& sources = convs->data[k].sources;
        touch_gradient({convs->data[k].activation, 0, -1});
        for (int64_t s = 0; s < sources.count; ++s) touch_gradient(sources.data[s].gradient);
      }
    }
    for (const auto* rows : {&collect.relu_rows, &collect.plain_rows}) {
      for (int64_t k = 0; k < rows->count; ++k) {
        touch_gradient(rows->data[k].from);
        for (int64_t p = 0; p < rows->data[k].pooled.count; ++p) {
          touch_gradient(rows->data[k].pooled.data[p]);
        }
        touch(rows->data[k].index);
        touch(rows->data[k].other.buffer);
      }
    }
  };
  const int64_t forward_end = now;
  // So does a segment.
  for (const Segment& segment : segments_) {
    for (int64_t s = segment.first; s < segment.last; ++s) {
      const BackStep& step = backward_[s];
      switch (step.kind) {
        case BackStepKind::weight_grad: {
          const WeightGrad& grad = weight_grads_[step.at];
          touch(grad.activation.buffer);
          for (int64_t k = 0; k < grad.pieces.count; ++k) {
            touch_gradient(grad.pieces.data[k].gradient);
            if (coupled) touch(grad.pieces.data[k].value);
          }
          break;
        }
        case BackStepKind::pair_grad: {
          const PairGrad& grad = pair_grads_[step.at];
          touch(grad.activation.buffer);
          for (int64_t k = 0; k < grad.gradients.count; ++k) {
            touch_gradient(grad.gradients.data[k]);
          }
          break;
        }
        case BackStepKind::linear_grad:
          touch(linear_grads_[step.at].view.buffer);
          touch_gradient(linear_grads_[step.at].gradient);
          break;
        case BackStepKind::norm_grad:
          touch(norms_[norm_grads_[step.at].norm].buffer);
          touch_gradient(norm_grads_[step.at].gradient);
          break;
        case BackStepKind::collect:
          touch_collect(collects_[step.at]);
      }
      if (coupled) ++now;  // runs step by step
    }
    ++now;
  }
  by_block.resize(forward_end, false);
  by_block.resize(now + 1, !coupled);
  for (size_t b = 0; b < buffers_.size(); ++b) {
    Buffer& buffer = buffers_[b];
    const bool mine = buffer.place == Place::values || buffer.place == Place::gradients;
    const Life& life = lives[b];
    if (mine && life.begin >= 0 && life.begin == life.end && by_block[life.begin]) {
      buffer.place = Place::local;
    }
  }
  if (repeated_) {
    for (size_t b = 1; b < buffers_.size(); ++b) {
      if (buffers_[b].place == Place::values && lives[b].end >= forward_end) lives[b].end = now;
    }
    plan_->value_pixels = place(buffers_, lives, {Place::values});
    plan_->gradient_pixels = place(buffers_, lives, {Place::gradients});
  } else {
    plan_->value_pixels = place(buffers_, lives, {Place::values, Place::gradients});
  }
  plan_->local_pixels = place(buffers_, lives, {Place::local});
  for (const Buffer& b : buffers_) {
    plan_->strip_pixels = std::max(plan_->strip_pixels, strip_rows(b.w) * b.w);
  }
}

}  // namespace tegnas::engine
