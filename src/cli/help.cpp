#include "cli/help.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <string_view>

#include "cli/side_by_side.h"
#include "core/count_characters.h"
#include "core/replace_all.h"

namespace lethe {
namespace {

constexpr std::string_view kKey = " [key: ", kNoBreak = "\u00a0";

std::size_t help_width() {
  constexpr std::size_t kLeast = 60, kMost = 120;
  return ::isatty(STDOUT_FILENO) == 0 ? kMost : std::clamp(terminal_width(), kLeast, kMost);
}

// Keeps "[default: 8]" on one line.
std::string with_whole_brackets(const std::string& text) {
  std::string kept;
  int open = 0;
  for (const char c : text) {
    if (c == '[') ++open;
    if (c == ']') --open;
    kept += c == ' ' && open > 0 ? std::string(kNoBreak) : std::string(1, c);
  }
  return kept;
}

// "  NAME    text", and below it the rest of the text.
std::string two_columns(const std::string& name, const std::string& text) {
  constexpr std::size_t kColumn = 28;
  std::string out = "  " + name;
  const std::size_t used = count_characters(out);
  const bool fits = used + 2 <= kColumn;
  if (fits) out += std::string(kColumn - used, ' ');
  bool first = fits;
  for (const std::string& line : wrapped(with_whole_brackets(text), help_width() - kColumn)) {
    out += (first ? "" : "\n" + std::string(kColumn, ' ')) + line;
    first = false;
  }
  replace_all(out, kNoBreak, " ");
  return out + "\n";
}

// What a text is, by the name of its option.
std::string text_named(const std::string& name) {
  static const std::map<std::string, std::string> names = {
      {"adapter", "DIR"},   {"apply", "DIR"},         {"base", "MODEL"},
      {"bleurt", "DIR"},    {"choices", "FILE"},      {"config", "FILE"},
      {"data", "FILE"},     {"embedder", "DIR"},      {"harmful", "FILE"},
      {"input", "FILE"},    {"judge", "JUDGE"},       {"model", "MODEL"},
      {"normal", "FILE"},   {"original", "MODEL"},    {"out", "DIR"},
      {"output", "FILE"},   {"recipe", "FILE"},       {"reference", "DIR"},
      {"resume", "DIR"},    {"retrained", "MODEL"},   {"run", "DIR"},
      {"seen", "FILE"},     {"space", "FILE"},        {"text", "FILE"},
      {"tuned", "MODEL"},   {"unseen", "FILE"},       {"xstest", "FILE"},
      {"harmless", "FILE"}, {"unseen-other", "FILE"}, {"normal-train", "FILE"},
      {"prompts", "FILE"},  {"retain", "FILE"},       {"base-name", "OWNER/NAME"}};
  const auto found = names.find(name);
  return found == names.end() ? "TEXT" : found->second;
}

}  // namespace

std::string key_of(const CLI::Option& option) {
  const std::string& description = option.get_description();
  const std::size_t at = description.rfind(kKey);
  if (at == std::string::npos || !description.ends_with(']')) return "";
  const std::size_t begin = at + kKey.size();
  return description.substr(begin, description.size() - 1 - begin);
}

std::string with_key(const std::string& description, const std::string& key) {
  return description + std::string(kKey) + key + "]";
}

std::string value_name(const CLI::Option& option) {
  if (option.get_type_size() == 0) return "";
  const std::string type = option.get_type_name();
  if (const std::size_t open = type.find('{'), close = type.find('}', open); close != std::string::npos) {
    std::string words = type.substr(open + 1, close - open - 1);
    std::replace(words.begin(), words.end(), ',', '|');
    return words;
  }
  const std::string kind = type.substr(0, type.find(':'));  // behind it are names of checks: "INT:POSITIVE"
  if (kind == "INT" || kind == "UINT") return "N";
  if (kind == "FLOAT") return "X";
  if (kind == "BOOLEAN") return "true|false";
  return kind == "TEXT" ? text_named(option.get_single_name()) : kind;
}

std::string described(const CLI::Option& option) {
  std::string standard = option.get_default_str();
  if (value_name(option) == "true|false") standard = standard == "0" || standard == "false" ? "false" : "true";
  return option.get_description() + (option.get_required() ? " [required]" : "") +
         (standard.empty() ? "" : " [default: " + standard + "]");
}

std::string HelpFormatter::make_option(const CLI::Option* option, bool is_positional) const {
  std::string name = is_positional ? option->get_name(true, false) : option->get_name(false, true);
  if (const std::string value = value_name(*option); !value.empty() && !is_positional) name += " " + value;
  if (option->get_expected_max() >= CLI::detail::expected_max_vector_size) name += " ...";
  return two_columns(name, described(*option));
}

std::string HelpFormatter::make_subcommand(const CLI::App* command) const {
  return two_columns(command->get_display_name(true), command->get_description());
}

std::string HelpFormatter::make_usage(const CLI::App* app, std::string name) const {
  std::string usage = CLI::Formatter::make_usage(app, std::move(name));
  // What follows belongs to another command, which is why CLI11 does not know it.
  if (app->get_prefix_command()) usage.insert(usage.find_last_not_of('\n') + 1, " COMMAND [ARGUMENTS]");
  return usage;
}

std::string HelpFormatter::make_footer(const CLI::App* app) const {
  const std::string footer = app->get_footer();
  std::string out;
  for (std::size_t at = 0; at < footer.size();) {
    const std::size_t end = std::min(footer.find('\n', at), footer.size());
    const std::string line = footer.substr(at, end - at);
    const bool example = line.starts_with("Example") || line.starts_with(" ");
    if (example || count_characters(line) <= help_width()) {
      out += line + "\n";
    } else {
      for (const std::string& part : wrapped(line, help_width())) out += part + "\n";
    }
    at = end + 1;
  }
  return out;
}

}  // namespace lethe
