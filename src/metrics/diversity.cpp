#include "metrics/diversity.h"

#include <unordered_set>
#include <vector>

#include "data/words.h"

namespace lethe {

Distinct distinct(std::span<const std::string> texts, std::size_t n) {
  Distinct result;
  std::unordered_set<std::string> seen;
  for (const std::string& text : texts) {
    const std::vector<std::string> words = words_of(normal_form(text));
    for (std::size_t i = 0; i + n <= words.size(); ++i) {
      std::string gram;
      for (std::size_t j = i; j < i + n; ++j) gram += words[j] + ' ';
      ++result.all;
      seen.insert(std::move(gram));
    }
  }
  result.different = seen.size();
  return result;
}

}  // namespace lethe
