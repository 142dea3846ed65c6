#include "kernels/cpu/regions.h"

#include <algorithm>
#include <cstring>

#include "kernels/cpu/kernels.h"

namespace tegnas::cpu {
namespace {

int64_t item_size(SignType type) {
  return type == SignType::float32 ? 4 : type == SignType::float64 ? 8 : 1;
}

// Puts runs of bits one after the other.
class BitWriter {
 public:
  explicit BitWriter(uint64_t* words) : words_(words) {}

  // The first `bits` bits of `from`, whose unused bits are 0.
  void append(const uint64_t* from, int64_t bits) {
    const int64_t shift = end_ % 64;
    uint64_t* to = words_ + end_ / 64;
    for (int64_t i = 0; i < words_for(bits); ++i) {
      if (shift == 0) {
        to[i] = from[i];
      } else {
        to[i] |= from[i] << shift;
        // A next word exists exactly if bits are left over for it.
        if (shift + std::min<int64_t>(64, bits - i * 64) > 64) to[i + 1] = from[i] >> (64 - shift);
      }
    }
    end_ += bits;
  }

 private:
  uint64_t* words_;
  int64_t end_ = 0;
};

// A layer with its feature dimensions merged where they lie one after the other.
Activations merged(const Activations& layer) {
  Activations result = layer;
  result.sizes.clear();
  result.strides.clear();
  for (size_t d = 0; d < layer.sizes.size(); ++d) {
    if (layer.sizes[d] == 1) continue;
    if (!result.sizes.empty() && result.strides.back() == layer.sizes[d] * layer.strides[d]) {
      result.sizes.back() *= layer.sizes[d];
      result.strides.back() = layer.strides[d];
    } else {
      result.sizes.push_back(layer.sizes[d]);
      result.strides.push_back(layer.strides[d]);
    }
  }
  return result;
}

template <typename T>
void copy_features(const T* from, const Activations& layer, size_t dimension, T*& to) {
  if (dimension == layer.sizes.size()) {
    *to++ = *from;
    return;
  }
  const int64_t size = layer.sizes[dimension], stride = layer.strides[dimension];
  if (dimension + 1 == layer.sizes.size()) {
    for (int64_t i = 0; i < size; ++i) *to++ = from[i * stride];
    return;
  }
  for (int64_t i = 0; i < size; ++i) copy_features(from + i * stride, layer, dimension + 1, to);
}

template <typename T>
const void* contiguous(const char* from, const Activations& layer, std::vector<char>& buffer) {
  T* to = reinterpret_cast<T*>(buffer.data());
  copy_features(reinterpret_cast<const T*>(from), layer, 0, to);
  return buffer.data();
}

class RowPacker {
 public:
  explicit RowPacker(const std::vector<Activations>& layers) : layers_(layers) {
    int64_t most = 0;
    for (const Activations& layer : layers) most = std::max(most, layer.features());
    buffer_.resize(most * sizeof(double));
    bits_.resize(words_for(most));
  }

  void pack(int64_t input, uint64_t* pattern) {
    BitWriter writer(pattern);
    for (const Activations& layer : layers_) {
      const int64_t features = layer.features();
      if (features == 0) continue;
      const char* from =
          static_cast<const char*>(layer.data) + input * layer.input_stride * item_size(layer.type);
      signs(layer, from, features);
      writer.append(bits_.data(), features);
    }
  }

 private:
  void signs(const Activations& layer, const char* from, int64_t features) {
    const bool straight = layer.sizes.empty() || (layer.sizes.size() == 1 && layer.strides[0] == 1);
    const Kernels& kernel = kernels();
    switch (layer.type) {
      case SignType::float32:
        kernel.signs_f32(
            static_cast<const float*>(straight ? from : contiguous<float>(from, layer, buffer_)),
            features, bits_.data());
        break;
      case SignType::float64:
        kernel.signs_f64(
            static_cast<const double*>(straight ? from : contiguous<double>(from, layer, buffer_)),
            features, bits_.data());
        break;
      case SignType::boolean:
        kernel.signs_bool(static_cast<const uint8_t*>(
                              straight ? from : contiguous<uint8_t>(from, layer, buffer_)),
                          features, bits_.data());
        break;
    }
  }

  const std::vector<Activations>& layers_;
  std::vector<char> buffer_;
  std::vector<uint64_t> bits_;
};

uint64_t mix(uint64_t value) {
  value ^= value >> 32;
  value *= 0x9E3779B97F4A7C15u;
  return value ^ (value >> 29);
}

// Four chains of multiplications, so that they overlap.
uint64_t hash_row(const uint64_t* row, int64_t words) {
  uint64_t chains[4] = {1, 2, 3, 4};
  for (int64_t w = 0; w < words; ++w) chains[w % 4] = mix(chains[w % 4] ^ row[w]);
  return mix(chains[0] ^ mix(chains[1] ^ mix(chains[2] ^ mix(chains[3]))));
}

}  // namespace

void pack_signs(const std::vector<Activations>& layers, int64_t inputs,
                const ParallelFor& parallel_for, uint64_t* patterns) {
  std::vector<Activations> simple;
  int64_t bits = 0;
  for (const Activations& layer : layers) {
    simple.push_back(merged(layer));
    bits += layer.features();
  }
  const int64_t words = words_for(bits);
  std::fill_n(patterns, inputs * words, uint64_t{0});
  // Copying out of order costs several operations per value, the comparison a fraction of one.
  if_worth_threads(4.0 * bits * inputs, parallel_for)(inputs, [&](int64_t begin, int64_t end) {
    RowPacker packer(simple);
    for (int64_t input = begin; input < end; ++input) packer.pack(input, patterns + input * words);
  });
}

int64_t count_distinct(const uint64_t* rows, int64_t count, int64_t words) {
  size_t slots = 16;
  while (slots < 2 * static_cast<size_t>(count)) slots *= 2;
  struct Slot {
    uint64_t hash;
    int64_t row;
  };
  std::vector<Slot> table(slots, Slot{0, -1});
  int64_t distinct = 0;
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t* row = rows + i * words;
    const uint64_t hash = hash_row(row, words);
    size_t slot = hash & (slots - 1);
    for (;; slot = (slot + 1) & (slots - 1)) {
      if (table[slot].row < 0) {
        table[slot] = {hash, i};
        ++distinct;
        break;
      }
      if (table[slot].hash == hash &&
          std::equal(row, row + words, rows + table[slot].row * words)) {
        break;
      }
    }
  }
  return distinct;
}

}  // namespace tegnas::cpu
