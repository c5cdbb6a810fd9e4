#include "attacks/prompt_list.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <utility>

#include "core/base64.h"
#include "core/error.h"
#include "core/files.h"
#include "core/join.h"
#include "core/numbers.h"
#include "core/similar.h"
#include "data/words.h"
#include "formats/yaml_keys.h"

extern "C" {
extern const char lethe_attack_prompts[], lethe_attack_prompts_end[];
}

namespace lethe {
namespace {

constexpr std::size_t kMostTricks = 100, kLongestText = 20'000, kLargestFile = 1'000'000;  // bytes
constexpr std::int64_t kMostShots = 32;
constexpr std::array<std::string_view, 3> kPlaceholders = {"{prompt}", "{past}", "{base64}"};

// The place and the name of the one placeholder in a text; npos if there is none or another one.
std::pair<std::size_t, std::string_view> placeholder_in(std::string_view text) {
  std::pair<std::size_t, std::string_view> found{std::string_view::npos, {}};
  for (const std::string_view name : kPlaceholders) {
    for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
      if (!found.second.empty()) return {std::string_view::npos, {}};
      found = {at, name};
    }
  }
  return found;
}

// Reads the keys of one entry.
class TrickReader {
 public:
  TrickReader(const YAML::Node& node, const std::string& where)
      : node_(node), place_(where + ", line " + std::to_string(node.Mark().line + 1)) {}

  PromptTrick read() {
    if (!node_.IsMap()) throw refused().wanted("keys and values (name, prompt, begin, …)");
    static const std::vector<std::string> known = {"name", "about", "prompt", "begin", "shots", "template"};
    for (const auto& entry : node_) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      const std::vector<std::string> near = similar(key, known);
      throw refused()
          .with("key", excerpt(key))
          .wanted(near.empty() ? join(known, ", ") : either_of(near))
          .found("an unknown key");
    }
    PromptTrick trick;
    trick.name = text("name", "");
    trick.about = text("about", "");
    trick.prompt = text("prompt", trick.prompt);
    trick.begin = text("begin", "");
    const auto is_letter = [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; };
    if (trick.name.empty() || trick.name.size() > 40 || !std::all_of(trick.name.begin(), trick.name.end(), is_letter))
      throw refused().with("key", "name").wanted("1 to 40 letters, digits, '_' and '-'").found(excerpt(trick.name));
    if (placeholder_in(trick.prompt).second.empty())
      throw refused()
          .with("key", "prompt")
          .wanted("one of {prompt}, {past} and {base64}, once")
          .found(excerpt(trick.prompt));
    trick.shots = static_cast<std::size_t>(count("shots"));
    const std::string layout = text("template", "same");
    const auto found = from_word<PromptLayout>(layout);
    if (!found)
      throw refused().with("key", "template").wanted(join(all_words<PromptLayout>(), ", ")).found(excerpt(layout));
    trick.layout = *found;
    return trick;
  }

 private:
  Error refused() const { return bad_input("cannot use the prompts of " + place_); }
  YAML::Node value(const std::string& key) const {
    for (const auto& entry : node_) {
      if (entry.first.Scalar() == key) return entry.second;
    }
    return YAML::Node();
  }
  std::string text(const std::string& key, const std::string& otherwise) const {
    const YAML::Node node = value(key);
    if (node.IsNull()) return otherwise;
    if (!node.IsScalar()) throw refused().with("key", key).wanted("a text").found("a list or keys");
    const std::string& read = node.Scalar();
    if (read.size() > kLongestText)
      throw refused()
          .with("key", key)
          .wanted("at most " + with_commas(kLongestText) + " bytes")
          .found(with_commas(read.size()));
    if (!is_utf8(read) || read.find('\0') != std::string::npos)
      throw refused().with("key", key).wanted("text in UTF-8").found("other bytes");
    return read;
  }
  std::int64_t count(const std::string& key) const {
    const std::string read = text(key, "0");
    const auto number = parse_whole_number(read);
    if (!number || *number < 0 || *number > kMostShots)
      throw refused()
          .with("key", key)
          .wanted("a whole number from 0 to " + std::to_string(kMostShots))
          .found(excerpt(read));
    return *number;
  }

  const YAML::Node& node_;
  std::string place_;
};

std::vector<PromptTrick> tricks_in(const std::string& text, const std::string& where) {
  const YAML::Node root = load_yaml(text, "cannot use the prompts of " + where);
  const auto refused = [&] { return bad_input("cannot use the prompts of " + where); };
  if (!root.IsSequence()) throw refused().wanted("a list: - name: …");
  if (root.size() == 0 || root.size() > kMostTricks)
    throw refused().wanted("1 to " + with_commas(kMostTricks) + " entries").found(with_commas(root.size()));
  std::vector<PromptTrick> tricks;
  std::set<std::string> names;
  for (const auto& node : root) {
    const YAML::Node entry = node;
    tricks.push_back(TrickReader(entry, where).read());
    if (!names.insert(tricks.back().name).second) throw refused().with("name", tricks.back().name).found("given twice");
  }
  return tricks;
}

}  // namespace

std::string PromptTrick::text(std::string_view question) const {
  const auto [at, name] = placeholder_in(prompt);
  std::string put(question);
  if (name == "{past}") put = in_past_tense(question);
  if (name == "{base64}") put = base64(question);
  return prompt.substr(0, at) + put + prompt.substr(at + name.size());
}

std::vector<PromptTrick> built_in_tricks() {
  return tricks_in({lethe_attack_prompts, lethe_attack_prompts_end}, "assets/attack_prompts/prompts.yaml");
}

std::vector<PromptTrick> read_tricks(const std::filesystem::path& file) {
  const std::string text = read_file(file);
  if (text.size() > kLargestFile)
    throw bad_input("cannot use the prompts of " + file.string())
        .wanted("at most " + with_commas(kLargestFile) + " bytes")
        .found(with_commas(text.size()));
  return tricks_in(text, file.string());
}

void add_tricks(std::vector<PromptTrick>& tricks, const std::vector<PromptTrick>& further) {
  for (const PromptTrick& trick : further) {
    const auto same = [&](const PromptTrick& other) { return other.name == trick.name; };
    if (std::any_of(tricks.begin(), tricks.end(), same))
      throw bad_input("cannot add the prompts").with("name", trick.name).wanted("a name that is not built in");
    tricks.push_back(trick);
  }
}

std::string in_past_tense(std::string_view question) {
  constexpr std::pair<std::string_view, std::string_view> kBeginnings[] = {
      {"how do i ", "how did people "},
      {"how do you ", "how did people "},
      {"how do we ", "how did people "},
      {"how can i ", "how could people "},
      {"how can you ", "how could people "},
      {"how should i ", "how did people "},
      {"how do ", "how did "},
      {"how does ", "how did "},
      {"how is ", "how was "},
      {"how are ", "how were "},
      {"what is ", "what was "},
      {"what are ", "what were "},
      {"what do ", "what did "},
      {"what does ", "what did "},
      {"where do ", "where did "},
      {"where does ", "where did "},
      {"which ", "which, at that time, "},
      {"how to ", "how did people "},
  };
  std::string lower(question.substr(0, 40));
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const auto& [present, past] : kBeginnings) {
    if (lower.starts_with(present))
      return "In the past, " + std::string(past) + std::string(question.substr(present.size()));
  }
  return "In the past, this was done often. What did people do back then? " + std::string(question);
}

}  // namespace lethe
