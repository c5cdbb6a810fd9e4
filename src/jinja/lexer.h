// Splits a Jinja template into tokens, with trim_blocks and lstrip_blocks as in transformers.
#pragma once

#include <string>
#include <vector>

#include "core/error.h"

namespace lethe::jinja {

struct Token {
  enum Kind { data, print_begin, print_end, block_begin, block_end, name, integer, real, text, symbol, end };
  Kind kind = end;
  std::string content;  ///< of data and texts, with escapes resolved
  int line = 1;

  bool is(Kind wanted, std::string_view spelling) const { return kind == wanted && content == spelling; }
};

/// Removes comments and the tags of raw blocks; white space around tags is as it will be printed.
/// @throws Error (bad input) with the line: an unclosed tag, or an unexpected character
std::vector<Token> tokenize(const std::string& source);

/// "cannot use the chat template", with its line and what was found there.
Error syntax_error(int line, const std::string& found);

}  // namespace lethe::jinja
