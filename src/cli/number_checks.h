// Checks for numbers of command-line options. CLI11's own print the largest double when they refuse.
#pragma once

#include <CLI/Validators.hpp>
#include <cstdlib>
#include <string>

namespace lethe {

/// For CLI::Option::check(): a number of at least 0.
inline CLI::Validator at_least_zero() {
  return CLI::Validator(
      [](const std::string& given) {
        return std::strtod(given.c_str(), nullptr) < 0 ? "wanted a number of at least 0, found " + given : "";
      },
      "");
}

/// The same: a number above 0. An empty text is left to check_numbers() (cli/usage.h).
inline CLI::Validator above_zero() {
  return CLI::Validator(
      [](const std::string& given) {
        return !given.empty() && std::strtod(given.c_str(), nullptr) <= 0 ? "wanted a number above 0, found " + given
                                                                          : "";
      },
      "");
}

}  // namespace lethe
