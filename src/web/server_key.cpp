#include "web/server_key.h"

#include <strings.h>

#include <algorithm>
#include <cstdlib>

#include "core/json.h"
#include "core/replace_all.h"
#include "core/trimmed.h"

namespace lethe {

std::string key_in_variable(const std::string& variable) {
  const char* value = std::getenv(variable.c_str());
  return value == nullptr ? "" : std::string(trimmed(value));
}

std::string unset_variable(const std::string& variable) {
  const auto all_of = [&](const char* these) { return variable.find_first_not_of(these) == std::string::npos; };
  const bool like_a_name = all_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789") && variable.size() <= 64 &&
                           (variable.find('_') != std::string::npos || all_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ"));
  return like_a_name ? variable + ", which is not set"
                     : "no variable of the given name (not shown: is it the key itself?)";
}

bool is_plain_key(const std::string& key) {
  return !key.empty() && std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

std::string secret_header(const std::string& header, const std::string& key) {
  const bool bearer = strcasecmp(header.c_str(), "Authorization") == 0;
  return header + (bearer ? ": Bearer " : ": ") + key;
}

std::string without_key(const std::string& text, const std::string& key) {
  if (key.empty()) return text;
  const std::string quoted = dump_json(Json(key)), escaped = quoted.substr(1, quoted.size() - 2);
  std::string out = text;
  std::string with_slashes = escaped;
  replace_all(with_slashes, "/", "\\/");
  for (const std::string& form : {with_slashes, escaped, key}) replace_all(out, form, "***");
  return out;
}

}  // namespace lethe
