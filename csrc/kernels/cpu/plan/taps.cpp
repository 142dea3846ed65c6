// The tables of a convolution as a sum over taps, forward and for the input gradient.

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "kernels/checked.h"
#include "kernels/cpu/plan/builder.h"

namespace tegnas::engine {
namespace {

struct Tap {
  int64_t source, channel;  // of the first group
  int64_t dy, dx;           // source pixel for output (0, 0) of the class
  int64_t weight, stride;
  int32_t norm, scale_channel;
  int64_t position;  // forward: in the activation
};

int64_t floor_mod(int64_t a, int64_t b) { return ((a % b) + b) % b; }

// What the tables of one convolution may have: entries, and steps to find them.
constexpr int64_t kMostEntries = int64_t{1} << 26;
constexpr int64_t kMostSteps = int64_t{1} << 28;

void check_at_most(int64_t limit, Checked count) {
  if (count.value() > limit) {
    throw std::invalid_argument("a convolution of the program is too large for the engine.");
  }
}

}  // namespace

// Taps of every class, kept until the ring's geometry is known.
struct PlanBuilder::TapTable {
  std::vector<std::vector<Tap>> classes;
};

TapConv PlanBuilder::forward_taps(const std::vector<int32_t>& steps) {
  const Instruction& first = instruction_of(steps[0]);
  const Step& step = steps_[steps[0]];
  const Window& w = first.window;
  const View view = step.in.data[0];
  const Shape in = shape_of(view.buffer);
  const Shape out = shape_of(step.out);
  TapConv conv{};
  const Activation activation = activations_.at(read_by(steps[0]));
  const Buffer& plane = buffers_[activation.buffer];
  const int64_t group_in = in.c / first.groups;
  conv.activation = activation.buffer;
  conv.ring = 1;
  conv.row_pixels = plane.w;
  conv.source_rows = in.h;
  conv.groups = first.groups;
  conv.group_pixels = group_in * plane.h * plane.w;
  conv.group_weights = out.c / first.groups * group_in * w.kh * w.kw;
  conv.out_h = out.h;
  conv.out_w = out.w;
  conv.out_step_y = conv.out_step_x = 1;
  conv.source_step_y = w.sh;
  conv.source_step_x = w.sw;

  const int64_t fan = group_in * w.kh * w.kw;
  std::vector<OutChannel> outs;
  std::vector<int64_t> out_weights;
  for (int32_t s : steps) {
    const Instruction& i = instruction_of(s);
    const int64_t channels = buffers_[steps_[s].out].c;
    for (int64_t o = 0; o < channels; ++o) {
      outs.push_back({steps_[s].out, static_cast<int32_t>(o), i.bias < 0 ? -1 : i.bias + o});
      if (o < channels / conv.groups) out_weights.push_back(i.weight + o * fan);
    }
  }
  conv.outs = list(outs);
  conv.out_weights = keep(out_weights);

  TapTable table;
  table.classes.resize(1);
  for (int64_t c = 0; c < group_in; ++c) {
    for (int64_t y = 0; y < w.kh; ++y) {
      for (int64_t x = 0; x < w.kw; ++x) {
        const int64_t row = c * plane.h + activation.top - w.ph + y * w.dh;
        const int64_t position = row * plane.w + activation.left - w.pw + x * w.dw;
        table.classes[0].push_back(
            {0, 0, y * w.dh - w.ph, 0, (c * w.kh + y) * w.kw + x, 0, -1, 0, position});
      }
    }
  }
  finish_taps(conv, table, static_cast<int64_t>(out_weights.size()));
  return conv;
}

// The input gradient of the given convolutions, which read one view, in one sum over the taps of
// all of them. They have stride 1 and one group, or there is only one of them.
TapConv PlanBuilder::backward_taps(const std::vector<int32_t>& steps, int32_t out) {
  const Instruction& first = instruction_of(steps[0]);
  const Shape in = shape_of(out);
  TapConv conv{};
  const int64_t group_out = buffers_[steps_[steps[0]].out].c / first.groups;
  conv.activation = -1;
  conv.groups = first.groups;
  conv.group_weights = group_out * (in.c / first.groups) * first.window.kh * first.window.kw;
  conv.group_scale = group_out;
  conv.out_h = in.h;
  conv.out_w = in.w;
  conv.out_step_y = first.window.sh;
  conv.out_step_x = first.window.sw;
  conv.source_step_y = conv.source_step_x = 1;

  std::vector<OutChannel> outs;
  for (int64_t c = 0; c < in.c; ++c) outs.push_back({out, static_cast<int32_t>(c), -1});
  conv.outs = list(outs);
  const int64_t group_in = in.c / first.groups;
  conv.out_weights = keep(std::vector<int64_t>(group_in, 0));

  TapTable table;
  table.classes.resize(conv.out_step_y * conv.out_step_x);
  std::vector<TapSource> sources;
  for (int32_t s : steps) {
    const Instruction& i = instruction_of(s);
    const Window& w = i.window;
    const GradRef from = gradient_of(s);
    const Buffer& g = buffers_[steps_[s].out];
    TapSource source{};
    source.gradient = from;
    source.channels = g.c;
    source.height = g.h;
    conv.source_rows = std::max(conv.source_rows, g.h);
    source.width = g.w;
    check_at_most(kMostSteps,
                  Checked(conv.out_step_y) * conv.out_step_x * (g.c / i.groups) * w.kh * w.kw);
    for (int64_t a = 0; a < conv.out_step_y; ++a) {
      for (int64_t b = 0; b < conv.out_step_x; ++b) {
        std::vector<Tap>& taps = table.classes[a * conv.out_step_x + b];
        for (int64_t o = 0; o < g.c / i.groups; ++o) {
          for (int64_t y = 0; y < w.kh; ++y) {
            for (int64_t x = 0; x < w.kw; ++x) {
              const int64_t dy = a + w.ph - y * w.dh, dx = b + w.pw - x * w.dw;
              if (floor_mod(dy, w.sh) != 0 || floor_mod(dx, w.sw) != 0) continue;
              taps.push_back({static_cast<int64_t>(sources.size()), o, dy / w.sh, dx / w.sw,
                              i.weight + (o * group_in * w.kh + y) * w.kw + x, w.kh * w.kw,
                              from.norm, static_cast<int32_t>(o), 0});
            }
          }
        }
      }
    }
    sources.push_back(source);
  }
  if (reads_single_pixels(first)) {
    const TapSource& source = sources[0];
    conv.activation = source.gradient.buffer;
    conv.ring = 1;
    conv.row_pixels = source.width;
    const int64_t plane = source.height * source.width;
    conv.group_pixels = group_out * plane;
    for (Tap& tap : table.classes[0])
      tap.position = (source.gradient.channel + tap.channel) * plane;
  } else {
    size_rings(conv, sources, table);
    conv.group_pixels = group_out * conv.ring * sources[0].row_width;
  }
  finish_taps(conv, table, group_in);
  conv.packed_offset = plan_->backward_weights;
  plan_->backward_weights += conv.packed_size;
  return conv;
}

// Whether the input gradient of a convolution needs nothing of its output's gradient but the same
// pixel. In coupled mode gradients change on the way into the ring.
bool PlanBuilder::reads_single_pixels(const Instruction& i) const {
  const Window& w = i.window;
  return analysis_.purpose == Purpose::frozen && w.kh == 1 && w.kw == 1 && w.sh == 1 && w.sw == 1 &&
         w.ph == 0 && w.pw == 0;
}

void PlanBuilder::size_rings(TapConv& conv, std::vector<TapSource>& sources,
                             const TapTable& table) {
  constexpr int64_t kFar = std::numeric_limits<int64_t>::max();
  const int64_t columns = (conv.out_w + conv.out_step_x - 1) / conv.out_step_x;
  conv.ring = 1;
  for (size_t k = 0; k < sources.size(); ++k) {
    TapSource& source = sources[k];
    int64_t first = kFar, last = -kFar, left = 0, right = source.width;
    for (const std::vector<Tap>& taps : table.classes) {
      for (const Tap& tap : taps) {
        if (tap.source != static_cast<int64_t>(k)) continue;
        first = std::min(first, tap.dy);
        last = std::max(last, tap.dy);
        left = std::max(left, -tap.dx);
        right = std::max(right, columns + tap.dx);
      }
    }
    if (first > last) first = last = 0;
    source.first_row = first;
    source.last_row = last;
    source.left = left;
    source.row_width = left + right;
    conv.ring = std::max(conv.ring, last - first + 1);
  }
  for (TapSource& source : sources) {
    source.offset = conv.ring_pixels;
    conv.ring_pixels =
        (Checked(source.channels) * conv.ring * source.row_width + conv.ring_pixels).value();
  }
  conv.sources = list(sources);
}

// Turns taps into positions in the source, for every phase of the ring.
void PlanBuilder::finish_taps(TapConv& conv, const TapTable& table, int64_t group_outs) {
  const auto position = [&](const Tap& tap, int64_t phase) {
    if (conv.activation >= 0) return tap.position;
    const TapSource& source = conv.sources.data[tap.source];
    const int64_t slot = floor_mod(phase + tap.dy, conv.ring);
    return source.offset + (tap.channel * conv.ring + slot) * source.row_width + source.left +
           tap.dx;
  };
  std::vector<TapClass> classes;
  for (std::vector<Tap> taps : table.classes) {
    std::stable_sort(taps.begin(), taps.end(),
                     [](const Tap& a, const Tap& b) { return a.dy < b.dy; });
    std::vector<int32_t> offsets, norms, channels;
    std::vector<int64_t> weights, strides;
    check_at_most(kMostEntries, Checked(conv.ring) * static_cast<int64_t>(taps.size()));
    for (int64_t phase = 0; phase < conv.ring; ++phase) {
      for (const Tap& tap : taps) {
        const int64_t at = position(tap, phase);
        check_at_most(std::numeric_limits<int32_t>::max(), at);
        offsets.push_back(static_cast<int32_t>(at));
      }
    }
    for (const Tap& tap : taps) {
      weights.push_back(tap.weight);
      strides.push_back(tap.stride);
      norms.push_back(tap.norm);
      channels.push_back(tap.scale_channel);
    }
    const int64_t count = static_cast<int64_t>(taps.size());
    std::vector<Range> rows;
    for (int64_t i = 0; i * conv.out_step_y < conv.out_h; ++i) {
      // The first tap that reads a row of the source or one behind it.
      const auto first_from = [&](int64_t row) {
        const auto lies_before = [&](const Tap& tap) {
          return i * conv.source_step_y + tap.dy < row;
        };
        return static_cast<int32_t>(std::partition_point(taps.begin(), taps.end(), lies_before) -
                                    taps.begin());
      };
      rows.push_back({first_from(0), first_from(conv.source_rows)});
    }
    classes.push_back({count, keep(offsets), keep(weights), keep(strides), keep(rows), keep(norms),
                       keep(channels)});
    conv.packed_size = (Checked(conv.groups) * count * group_outs + conv.packed_size).value();
  }
  conv.classes = keep(classes);
}

// The fewest sums over taps that give the input gradients of these convolutions. All that add to
// one gradient run row by row beside each other, so each has a ring of its own from `ring` on.
std::vector<TapConv> PlanBuilder::gradient_convs(const std::vector<int32_t>& steps, int32_t out,
                                                 int64_t& ring) {
  std::vector<int32_t> together;
  std::vector<TapConv> convs;
  for (int32_t s : steps) {
    const Instruction& i = instruction_of(s);
    if (i.groups == 1 && i.window.sh == 1 && i.window.sw == 1 && !reads_single_pixels(i)) {
      together.push_back(s);
    } else {
      convs.push_back(backward_taps({s}, out));
    }
  }
  if (!together.empty()) convs.insert(convs.begin(), backward_taps(together, out));
  for (TapConv& conv : convs) {
    conv.ring_offset = ring;
    ring += conv.ring_pixels;
  }
  plan_->ring_pixels = std::max(plan_->ring_pixels, ring);
  return convs;
}

}  // namespace tegnas::engine
