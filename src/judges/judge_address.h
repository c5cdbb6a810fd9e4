// The address of a judge's requests, and whether the connection is private.
#pragma once

#include <string>

#include "judges/judge_file.h"

namespace lethe {

struct JudgeAddress {
  std::string url;        ///< whole, up to /chat/completions and perhaps a query
  std::string host;       ///< for messages: "127.0.0.1:8000"
  bool secure = false;    ///< https
  bool loopback = false;  ///< this machine: 127.0.0.0/8, ::1, or localhost with its address pinned
  std::string resolve;    ///< for HttpOptions::resolve: pins localhost to this machine, whatever the resolver says
};

/// Parses the address with libcurl, which also uses it, so that both interpret it equally
/// ("http://127.0.0.1@example.org" is example.org, "http://0x7f.1" is 127.0.0.1). Adds /chat/completions to the path
/// unless it ends with it; keeps a query ("?api-version=…").
/// @throws Error (bad input) naming the judge's key `url` if it is not an http(s) address, or has a user name, a
///         password or a fragment
JudgeAddress read_address(const JudgeFile& file, const std::string& url);

}  // namespace lethe
