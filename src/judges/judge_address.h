// The address of a judge's requests.
#pragma once

#include <string>

#include "judges/judge_file.h"
#include "web/address.h"

namespace lethe {

/// The address of a server of chat completions. Adds /chat/completions to the path unless it ends with it; keeps a
/// query ("?api-version=…").
/// @throws Error (bad input) naming the judge's key `url` if read_web_address() refuses it
WebAddress read_address(const JudgeFile& file, const std::string& url);

}  // namespace lethe
