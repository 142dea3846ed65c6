// The tile of products that one block makes: see products.cuh for why these numbers.
#pragma once

namespace tegnas::cuda::gram {

constexpr int kTile = 64;
constexpr int kColumns = 32;
constexpr int kSide = 16;
constexpr int kProductThreads = kSide * kSide;
constexpr int kEach = kTile / kSide;

}  // namespace tegnas::cuda::gram
