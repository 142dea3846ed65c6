// One small network for every instruction, and for every function of an activation: what each back
// end is compared with the reference on, and what random programs begin with (engine_random.h). A
// switch without an instruction doesn't compile, and a network without its instruction fails
// (engine_instructions_test.cpp).
#pragma once

#include <string>
#include <vector>

#include "engine_functions.h"
#include "engine_writer.h"

namespace tegnas::test {

struct Sample {
  std::string name;
  engine::Op op;
  Writer writer;
};

// A value (4, 6, 5) and the instruction, whose value is the last.
inline Writer sample_of(engine::Op op, engine::Function function) {
  using engine::Op;
  Writer w({2, 6, 5});
  Window three;
  three.kh = three.kw = 3;
  three.ph = three.pw = 1;
  Window two = three;
  two.sh = 2;
  const int64_t x = w.norm(w.conv(0, 4, three, 1, false, true), true, true);
  switch (op) {
    case Op::conv2d:
      w.conv(x, 6, two, 2, true, true);
      break;
    case Op::batch_norm:
      w.norm(w.relu(x), true, true);
      break;
    case Op::relu:
      w.relu(x, true);
      break;
    case Op::avg_pool:
      w.avg_pool(x, two, false);
      break;
    case Op::max_pool:
      w.max_pool(x, two);
      break;
    case Op::add:
      w.add({x, w.relu(x), x});
      break;
    case Op::zeros:
      w.concat({x, w.zeros({1, 6, 5})});
      break;
    case Op::scale:
      w.scale(x);
      break;
    case Op::concat:
      w.concat({w.relu(x), x});
      break;
    case Op::pad:
      w.pad(x, 1, -2, -1, 2);
      break;
    case Op::global_avg_pool:
      w.global_avg_pool(x);
      break;
    case Op::linear:
      w.linear(x, 3, true, true);
      break;
    case Op::product: {
      // Of two values, with itself, and of the channels' gates on either side.
      const int64_t other = w.norm(w.conv(0, 4, three, 1, false, false), true, false);
      int64_t y = w.product(w.relu(x), other);
      y = w.product(y, w.relu(w.conv(w.global_avg_pool(x), 4, Window(), 1, true, true)));
      w.product(w.global_avg_pool(w.product(x, x)), y);
      break;
    }
    case Op::activation: {
      // Beyond the corners at 3 and 6, and behind a ReLU.
      int64_t y = w.norm(w.conv(w.add({x, x, x, x}), 4, three, 2, true, true), true, true);
      y = w.activation(w.add({y, y, y}), function, true, some_below(function, 0.125));
      w.add({y, w.activation(w.relu(x), function, false, 0)});
      break;
    }
    case Op::none:
      break;
  }
  return w;
}

// Of every instruction and every function, without logits.
inline std::vector<Sample> samples() {
  std::vector<Sample> all;
  for (const engine::OpDescription& each : engine::kOps) {
    if (each.op != engine::Op::activation) {
      all.push_back({each.name, each.op, sample_of(each.op, engine::Function::none)});
      continue;
    }
    for (const engine::Function function : functions()) {
      const char* name = engine::description_of(function).name;
      all.push_back({name, each.op, sample_of(each.op, function)});
    }
  }
  return all;
}

// The same as networks.
inline std::vector<Sample> sample_networks() {
  std::vector<Sample> all = samples();
  for (Sample& each : all) {
    Writer& w = each.writer;
    const int64_t y = w.conv(w.values() - 1, 3, Window(), 1, true, false);
    w.linear(w.global_avg_pool(y), 2, true, false);
  }
  return all;
}

}  // namespace tegnas::test
