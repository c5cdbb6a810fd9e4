// The loops of NF4 on a CPU, over plain memory.
#pragma once

#include <cstdint>

namespace lethe {

/// out[i] = levels[code i] · scales[i / 64], for i < count. @param codes  two a byte, the first one in the high half
void unpack_nf4(const std::uint8_t* codes, const float* scales, std::int64_t count, float* out);
/// The nearest level of each weight, and each block's largest magnitude.
void pack_nf4(const float* weights, std::int64_t count, std::uint8_t* codes, float* scales);

}  // namespace lethe
