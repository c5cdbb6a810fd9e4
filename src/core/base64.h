// Bytes as base64 text.
#pragma once

#include <string>
#include <string_view>

namespace lethe {

/// With padding, without line breaks. Source: RFC 4648, section 4.
std::string base64(std::string_view bytes);

}  // namespace lethe
