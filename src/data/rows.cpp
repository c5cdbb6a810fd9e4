#include "data/rows.h"

#include <utility>

namespace lethe {

void ReadReport::add_bad(std::uint64_t line, std::string why) {
  ++bad_rows;
  if (bad.size() < kept) bad.push_back({line, std::move(why)});
}

}  // namespace lethe
