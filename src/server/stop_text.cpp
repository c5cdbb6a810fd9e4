#include "server/stop_text.h"

#include <algorithm>
#include <utility>

namespace lethe {

std::string StopText::add(std::string_view piece) {
  if (found_) return "";
  held_ += piece;
  std::size_t first = std::string::npos;
  for (const std::string& stop : stops_) first = std::min(first, held_.find(stop));
  found_ = first != std::string::npos;
  std::string shown = held_.substr(0, found_ ? first : held_.size() - held_back());
  held_.erase(0, shown.size());
  return shown;
}

std::string StopText::finish() {
  return found_ ? "" : std::exchange(held_, {});
}

/// Bytes at the end of held_ with which a stop text begins: the most of any.
std::size_t StopText::held_back() const {
  std::size_t most = 0;
  for (const std::string& stop : stops_) {
    for (std::size_t size = std::min(stop.size() - 1, held_.size()); size > most; --size) {
      if (held_.ends_with(std::string_view(stop).substr(0, size))) most = size;
    }
  }
  return most;
}

}  // namespace lethe
