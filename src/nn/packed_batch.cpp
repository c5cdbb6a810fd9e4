#include "nn/packed_batch.h"

#include <algorithm>

#include "core/error.h"
#include "tensors/device.h"

namespace lethe {

std::size_t common_beginning(std::span<const std::span<const int>> rows) {
  std::span<const int> common = rows.front();
  for (const std::span<const int> row : rows.subspan(1)) {
    const auto end = std::mismatch(common.begin(), common.end(), row.begin(), row.end()).first;
    common = common.first(static_cast<std::size_t>(end - common.begin()));
  }
  return common.size();
}

int PackBuilder::add(const std::vector<int>& ids, int prefix) {
  return add(ids, 0, ids.size(), prefix);
}

int PackBuilder::add(const std::vector<int>& ids, std::size_t from, std::size_t to, int prefix) {
  if (prefix >= 0 && segments_.at(prefix).prefix >= 0) throw Error("internal: a shared prompt cannot itself share one");
  Segment segment;
  segment.begin = tokens();
  segment.prefix = prefix;
  const std::int64_t start = prefix >= 0 ? segments_[prefix].size() : 0;
  for (std::size_t i = from; i < to; ++i) {
    ids_.push_back(ids[i]);
    positions_.push_back(start + static_cast<std::int64_t>(i - from));
  }
  segment.end = tokens();
  segment.row_length = start + segment.size();
  if (prefix >= 0) segments_[prefix].row_length = std::max(segments_[prefix].row_length, segment.row_length);
  segments_.push_back(segment);
  return static_cast<int>(segments_.size()) - 1;
}

PackedBatch PackBuilder::build(at::Device device) const {
  const auto tensor = [&](const std::vector<std::int64_t>& values) {
    return to_device(at::tensor(values, at::kLong), device);
  };
  PackedBatch batch{tensor(ids_), tensor(positions_), segments_};
  if (ids_.empty()) return batch;
  const auto [lowest, highest] = std::minmax_element(ids_.begin(), ids_.end());
  batch.lowest_id = *lowest;
  batch.highest_id = *highest;
  batch.highest_position = *std::max_element(positions_.begin(), positions_.end());
  return batch;
}

}  // namespace lethe
