// The packed batch: token rows laid end to end without padding, where rows may share the computation of their prompt.
#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace lethe {

/// A run of consecutive tokens of the pack. Its tokens attend only to the whole segment `prefix` (if any) and,
/// causally, to their own segment.
struct Segment {
  std::int64_t begin = 0;  ///< first token, index into the pack
  std::int64_t end = 0;    ///< one past the last token
  int prefix = -1;         ///< index of the segment it continues, or -1; a prefix has no prefix itself
  std::int64_t row_length =
      0;  ///< tokens of the longest row it belongs to, prefix included (for length-dependent rotary)

  std::int64_t size() const { return end - begin; }
};

/// T tokens of several rows. A row is a segment without prefix, or a prefix followed by a segment that continues it.
struct PackedBatch {
  at::Tensor ids;        ///< [T] int64
  at::Tensor positions;  ///< [T] int64, position of each token in its row, from 0
  std::vector<Segment> segments;
  // The extremes, known to the host: on a GPU an index out of range ends the process, and looking there would wait.
  std::int64_t lowest_id = 0, highest_id = 0, highest_position = 0;

  std::int64_t tokens() const { return ids.defined() ? ids.numel() : 0; }
};

/// How many tokens all rows begin with; there is at least one row.
std::size_t common_beginning(std::span<const std::span<const int>> rows);

/// Builds a pack segment by segment.
class PackBuilder {
 public:
  /// Appends a segment. The positions of a continuation start at the end of its prefix.
  /// @param prefix  index that add() returned for the shared prompt, or -1
  /// @return        index of the new segment
  int add(const std::vector<int>& ids, int prefix = -1);
  /// Appends ids[from, to).
  int add(const std::vector<int>& ids, std::size_t from, std::size_t to, int prefix);

  std::int64_t tokens() const { return static_cast<std::int64_t>(ids_.size()); }
  const std::vector<Segment>& segments() const { return segments_; }
  PackedBatch build(at::Device device = at::kCPU) const;

 private:
  std::vector<std::int64_t> ids_, positions_;
  std::vector<Segment> segments_;
};

}  // namespace lethe
