// The key of a server: read from where the user keeps it, sent in a header, never shown.
#pragma once

#include <string>

namespace lethe {

/// The value of an environment variable; empty if it is not set.
std::string key_in_variable(const std::string& variable);

/// What an error says of a variable that is not set: "SERVER_KEY, which is not set". A user may have given the key in
/// place of its variable: only what looks as names of variables do (capitals, with '_' or without digits) is shown.
std::string unset_variable(const std::string& variable);

/// Whether this can be sent as a key: at least one character, all of them printable ASCII without spaces.
bool is_plain_key(const std::string& key);

/// "Authorization: Bearer KEY", or "NAME: KEY" with another header, such as Azure's api-key.
std::string secret_header(const std::string& header, const std::string& key);

/// Removes the key from a server's words, for errors and files: the server may repeat it, plain or escaped as in JSON.
std::string without_key(const std::string& text, const std::string& key);

}  // namespace lethe
