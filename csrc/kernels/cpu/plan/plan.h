// The plan of a program on the CPU: what the executor does, step by step, decided once per program
// from its analysis (program/analysis.h).
//
// The images of a batch are cut into blocks of one vector of images ("lanes"); every buffer is
// laid out as (block, C, H, W, lane). The plan counts in pixels: one pixel is one vector of
// images, so it holds for any vector width and any number of images.
//
// Batch norm and ReLU are not carried out on their own: a consumer reads a *view*, a buffer of
// raw numbers seen through a batch norm and a ReLU. Only what convolutions read is written down,
// once, as an *activation*: the view with a border of zeros. Convolutions that read one view in
// the same way run as one, and the input gradients of all convolutions that read one view are
// one convolution over all their output gradients.
//
// All structs that the executor reads are plain data (pointers owned by the Plan), because the
// executor is compiled for several instruction sets and must not share inline code (see simd.h).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/program/analysis.h"

namespace tegnas::engine {

template <typename T>
struct List {
  const T* data = nullptr;
  int64_t count = 0;
};

struct Range {
  int32_t begin, end;
};

// Neighbouring rows of a channel that are worked on together: enough pixels that what is looked
// up once per strip costs little, few enough that a strip stays in the L1 cache.
constexpr int64_t kStripPixels = 128;

inline int64_t strip_rows(int64_t width) {
  return width > 0 && width < kStripPixels ? kStripPixels / width : 1;
}

// The windows of a pool along one axis.
struct PoolAxis {
  int64_t kernel, stride, pad;
  const Range* windows;  // by window: the inputs in it
  const Range* inputs;   // by input: the windows that hold it
  const double* scale;   // by window: one over the numbers that an average counts
  Range whole;           // windows that lie inside the input as a whole
  Range inner;           // stride 1: inputs that `kernel` windows hold
};

struct Pool {
  PoolAxis y, x;
};

// Where a buffer lies.
enum class Place {
  input,         // the images, the same for all programs of a call
  padded_input,  // the images as convolutions read them, likewise
  values,
  gradients,
  stem,   // what networks of the same weights begin with, see Plan::stem
  local,  // of one run or segment only: one block's worth that all blocks use in turn
};

struct Buffer {
  int64_t c, h, w;
  Place place;
  int64_t offset;  // in pixels, times the number of blocks but for local buffers
  int64_t stats;   // where its channel sums are kept (counted in channels), -1: not needed
  int32_t sums;    // gradients: the buffer (C, 1, 1) of its sums over pixels, -1: none
};

// A gradient: channels [channel, ...) of a buffer; through `norm` where that buffer holds the
// gradient of the norm's output and the gradient of its input is meant.
struct GradRef {
  int32_t buffer = -1;
  int32_t channel = 0;
  int32_t norm = -1;
};

struct Norm {
  int32_t buffer;  // of its input
  int64_t channels;
  int64_t coefficients;  // where its coefficients are kept (counted in channels)
  int64_t weight, bias;
  double eps;
  bool searched;
};

// A view as convolutions read it: buffer (C, height, width) whose pixel (top, left) is pixel
// (0, 0) of the view; zero outside. The view's own buffer where nothing has to be done to it.
struct Activation {
  int32_t buffer;
  int64_t top, left;
};

// The rows of one gradient, as an input gradient reads them: zero-padded, in a ring of the last
// few rows of every channel.
struct TapSource {
  GradRef gradient;
  int64_t channels, height, width;
  int64_t first_row, last_row;  // rows needed for output row i: i + these
  int64_t left, row_width;      // zero pixels before the row; pixels of a ring row
  int64_t offset;               // of the ring, in pixels of the scratch
};

// The outputs (row_class + i * out_step_y, column_class + j * out_step_x) and what adds to them.
struct TapClass {
  int64_t taps;                // in order of their source rows
  const int32_t* offsets;      // [phase][tap]: position of the tap for j = 0, in pixels
  const int64_t* weights;      // [tap]: parameter offset for output channel 0
  const int64_t* strides;      // [tap]: from one output channel of the group to the next
  const Range* rows;           // [output row of the class]: taps that lie within the source
  const int32_t* scale_norms;  // [tap]: norm whose scale multiplies the weight, -1: none
  const int32_t* scale_channels;
};

struct OutChannel {
  int32_t buffer, channel;
  int64_t bias;  // parameter offset, -1: none
};

// A sum over taps: out[o](y, x) = bias + sum_t weight[o, t] * source_t(y', x'). Forward
// convolutions read an activation and step through it; input gradients read gradients through
// rings, and those of strided convolutions step through their output. Those of single pixels read
// the gradient where it lies, as if it were an activation.
struct TapConv {
  int32_t activation;  // the buffer that is read, -1: reads `sources`
  List<TapSource> sources;
  List<OutChannel> outs;       // of all groups
  const int64_t* out_weights;  // [output channel of a group]: added to the tap's offset
  const TapClass* classes;     // [row class][column class]
  int64_t groups, group_weights /* parameters */, group_scale /* scale channels */;
  int64_t group_pixels, row_pixels;  // of the source, from one group, one row to the next
  int64_t source_rows;               // beyond them it is zero
  int64_t ring;                      // rows of the ring
  int64_t out_h, out_w, out_step_y, out_step_x, source_step_y, source_step_x;
  int64_t ring_pixels, ring_offset;  // ring_offset: where it lies in the ring scratch
  int64_t packed_size, packed_offset;
};

enum class StepKind {
  instruction,  // of the program; convolutions of one view may be one step
  copy,
  zeros,
  activate,    // writes the activation of a view
  statistics,  // channel sums of a buffer whose producer could not keep them
  normalise,   // coefficients of a norm from the channel sums
  signs,       // packs which numbers of a view lie above a threshold
};

struct Step {
  StepKind kind;
  Op op = Op::none;  // instruction
  int32_t out = -1;  // buffer; norm for normalise
  List<View> in;
  List<View> pooled;  // add: views whose average pool is added as well
  const TapConv* conv = nullptr;
  Activation activation{-1, 0, 0};  // of the output, written row by row with it
  bool activation_relu = false;
  bool keep = true;            // whether the output itself is wanted beside its activation
  Window window;               // conv2d
  const Pool* pool = nullptr;  // pools, and add with pooled views
  int64_t left = 0, top = 0;   // pad
  int64_t weight = -1, bias = -1, factor = -1;
  int32_t index = -1;                   // max_pool: buffer of the window positions of the maxima
  int64_t first_word = 0;               // signs: 32-bit words of the pattern
  double threshold = 0;                 // signs
  Function function = Function::relu6;  // activation
  double below = 0;                     // activation: the factor below zero
  int32_t slope = -1;                   // activation: buffer of the derivatives, -1: not needed
};

// What one consumer adds to a gradient, row by row.
enum class RowKind {
  seed,         // of the logits
  direct,       // the gradient of what it makes, or that times a factor
  instruction,  // what the instruction makes of it
};

struct RowGradient {
  RowKind kind;
  Op op = Op::none;  // instruction
  GradRef from;
  int64_t factor = -1;   // direct: parameter that multiplies, -1: none
  List<GradRef> pooled;  // avg_pool: of all pools with these windows, in place of `from`
  const Pool* pool = nullptr;
  int64_t left = 0, top = 0, out_h = 1, out_w = 1, out_c = 0;
  int64_t weight = -1;  // linear
  int32_t index = -1;
  // product, activation: what multiplies, the other factor or the derivatives of the function. Of
  // one pixel for all, or summed over where the gradient's own is.
  View other{-1, -1, false};
};

// The gradient of a buffer or of a norm's output, summed over its consumers: first those behind
// a ReLU, then the mask, then the others.
struct Collect {
  int32_t out;
  View view;        // without relu; its sign is the mask
  Activation mask;  // holds the sign too, -1: read the view
  List<TapConv> relu_convs, plain_convs;
  List<RowGradient> relu_rows, plain_rows;
};

// Rows [row, ...) of the Jacobian panel.
struct GradPiece {
  int64_t weight, bias;  // of the convolution
  Window window;
  int64_t out_h, out_w, group_in, group_out;
  int64_t first, last;  // output channels
  GradRef gradient;
  int32_t value;     // buffer of the convolution's own output (coupled mode)
  int64_t row;       // of output channel `first`
  int32_t norm;      // the norm fed by the convolution alone, -1: none
  int64_t norm_row;  // row of the norm's scale of channel `first`, -1: none
};

struct WeightGrad {
  Activation activation;
  int64_t channels, plane_h, plane_w;  // of the activation
  List<GradPiece> pieces;
};

// Convolutions that read one view, each output pixel every input pixel. The Gram matrix of their
// weight gradients is the sum over shifts of (products of inputs that lie a shift apart) times
// (products of output gradients that lie as far apart), summed over channels and pixels; both need
// far fewer products than the rows of the Jacobian, which are never made.
struct PairGrad {
  Activation activation;
  int64_t channels, height, width;  // of the view; the outputs have its height and width
  List<GradRef> gradients;          // of the convolutions
  List<int64_t> outs;               // their channels
  int64_t all_outs;
  int64_t row;    // panel rows: inputs (channel, pixel), then gradients likewise
  bool searched;  // whose kernel is meant: of the searched weights, or of the others
};

struct LinearGrad {
  View view;
  int64_t inputs, first, last;
  GradRef gradient;
  int64_t row;
};

struct NormGrad {
  int32_t norm;
  GradRef gradient;  // of its output
  int64_t row;       // -1: no scale, only the coupling is wanted
};

enum class BackStepKind { weight_grad, pair_grad, linear_grad, norm_grad, collect };

struct BackStep {
  BackStepKind kind;
  int64_t at;     // index into the list of its kind
  bool searched;  // wanted where only the searched rows are
};

// Forward steps that run block by block, so that what one writes is still in the cache when the
// next one reads it; between runs lie the steps that need all images, the norms.
struct Run {
  int64_t first, last;  // steps
  bool whole;           // steps over all images
};

// Backward steps that run block by block and whose rows of the Jacobian fit into the panel: first
// the searched's, then the others; behind them those of pair_grads.
struct Segment {
  int64_t first, last;  // steps
  int64_t searched_rows, rows, pair_rows;
};

struct Plan {
  Purpose purpose;
  List<Buffer> buffers;
  List<Norm> norms;
  // Frozen mode: the convolutions of the images, their norms and what is read of them. Carried out
  // before all others; plans of equal keys do the same with the same weights, and lay it out alike.
  List<Step> stem;
  std::vector<double> stem_key;
  List<Step> forward;
  List<Run> runs;
  List<BackStep> backward;
  List<Segment> segments;
  List<WeightGrad> weight_grads;
  List<PairGrad> pair_grads;
  List<LinearGrad> linear_grads;
  List<NormGrad> norm_grads;
  List<Collect> collects;

  Shape input;
  Activation padded_input{-1, 0, 0};              // of the input without a norm or ReLU
  View logits;                                    // of kernels
  int64_t outputs = 0;                            // K
  int64_t value_pixels = 0, gradient_pixels = 0;  // memory per block
  int64_t stem_pixels = 0;                        // likewise
  int64_t local_pixels = 0;                       // memory for one block
  int64_t stats_channels = 0, norm_channels = 0;
  int64_t stem_channels = 0;  // of the stem's norms
  int64_t ring_pixels = 0, strip_pixels = 0, tile_rows = 0;
  int64_t forward_weights = 0, backward_weights = 0;  // packed weights
  int64_t panel_rows = 0;  // frozen: rows of the largest segment; coupled: of all
  int64_t words = 0;       // 32-bit words per pattern, where patterns are wanted

  std::vector<std::shared_ptr<void>> owned;  // what the pointers point to
};

// `repeated`: several backward sweeps follow one forward sweep (always so in coupled mode).
// `patterns`: wanted beside a kernel; whatever the purpose, they are the same bits.
// Throws std::invalid_argument where a kernel is asked for and the program has no logits.
std::shared_ptr<const Plan> make_plan(const Program& program, Purpose purpose, bool repeated,
                                      bool patterns = false);

}  // namespace tegnas::engine
