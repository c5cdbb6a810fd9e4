#include "judges/judge_address.h"

namespace lethe {

WebAddress read_address(const JudgeFile& file, const std::string& given) {
  const WebAddress address =
      read_web_address(given, "http:// or https://, a host, and a path up to /v1",
                       [&](const std::string& wanted, const std::string& found) { file.refuse("url", wanted, found); });
  return with_ending(address, "/chat/completions");
}

}  // namespace lethe
