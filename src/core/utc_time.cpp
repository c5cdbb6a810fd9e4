#include "core/utc_time.h"

#include <ctime>

namespace lethe {

std::string utc_time(std::chrono::system_clock::time_point time) {
  return utc_time_characters(time).data();
}

std::array<char, 32> utc_time_characters(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text;
}

}  // namespace lethe
