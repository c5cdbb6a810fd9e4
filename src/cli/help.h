// What --help prints of an option; completion and the man page show the same.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Formatter.hpp>
#include <string>

namespace lethe {

/// The recipe key that an option sets, from the end of its description: "[key: data.harmful]"; "" for other options.
std::string key_of(const CLI::Option& option);

/// A description that names the recipe key which its option sets. key_of() reads it.
std::string with_key(const std::string& description, const std::string& key);

/// The word for an option's value: "FILE", "N", "auto|chat"; "" for a flag.
std::string value_name(const CLI::Option& option);

/// The description, with "[required]" or "[default: 8]".
std::string described(const CLI::Option& option);

/// Breaks descriptions and the footer's sentences at the width of the terminal, at most 120 columns.
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_subcommand(const CLI::App* command) const override;
  std::string make_usage(const CLI::App* app, std::string name) const override;
  std::string make_footer(const CLI::App* app) const override;
};

}  // namespace lethe
