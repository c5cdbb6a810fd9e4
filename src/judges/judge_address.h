// Where the requests of a judge go, and whether anybody could read them on the way.
#pragma once

#include <string>

#include "judges/judge_file.h"

namespace lethe {

struct JudgeAddress {
  std::string url;        ///< whole, up to /chat/completions and perhaps a query
  std::string host;       ///< for messages: "127.0.0.1:8000"
  bool secure = false;    ///< https
  bool loopback = false;  ///< this machine, by address: 127.0.0.0/8, ::1, or localhost with its address pinned
  std::string resolve;    ///< for HttpOptions::resolve: localhost is this machine whatever a resolver says
};

/// Takes the address apart with the library that will use it, so that both understand the same by it
/// ("http://127.0.0.1@example.org" is example.org, "http://0x7f.1" is 127.0.0.1). /chat/completions is added to the
/// path if it does not end so; a query stays ("?api-version=…").
/// @throws Error (bad input) naming the judge's key `url` for what is no http(s) address, or holds a name, a password
///         or a fragment
JudgeAddress read_address(const JudgeFile& file, const std::string& url);

}  // namespace lethe
