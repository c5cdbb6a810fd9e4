#include "ranks/group.h"

#include <algorithm>
#include <cstdint>

namespace lethe {

std::vector<std::string> gather_texts(Group& group, const std::string& mine) {
  const std::uint64_t size = mine.size();
  std::vector<std::uint64_t> sizes(static_cast<std::size_t>(group.size()));
  group.gather(std::as_bytes(std::span(&size, 1)), std::as_writable_bytes(std::span(sizes)));
  const std::uint64_t longest = *std::max_element(sizes.begin(), sizes.end());
  std::string padded = mine, all(longest * sizes.size(), '\0');
  padded.resize(longest);
  group.gather(std::as_bytes(std::span(padded)), std::as_writable_bytes(std::span(all)));
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < sizes.size(); ++i) texts.push_back(all.substr(i * longest, sizes[i]));
  return texts;
}

std::string share_text(Group& group, const std::string& mine) {
  std::uint64_t size = mine.size();
  group.share(std::as_writable_bytes(std::span(&size, 1)));
  std::string text = mine;
  text.resize(size);
  group.share(std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace lethe
