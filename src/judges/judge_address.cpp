#include "judges/judge_address.h"

#include <string_view>

namespace lethe {

WebAddress read_address(const JudgeFile& file, const std::string& given) {
  const WebAddress address =
      read_web_address(given, "http:// or https://, a host, and a path up to /v1",
                       [&](const std::string& wanted, const std::string& found) { file.refuse("url", wanted, found); });
  constexpr std::string_view kEnding = "/chat/completions";
  std::string path = address.path;
  while (path.ends_with('/')) path.pop_back();
  if (!path.ends_with(kEnding)) path += kEnding;
  return with_path(address, path);
}

}  // namespace lethe
