#include "judges/judge_file.h"

#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "core/error.h"
#include "core/files.h"
#include "core/input_file.h"
#include "core/numbers.h"
#include "core/similar.h"
#include "formats/yaml_keys.h"

namespace lethe {
namespace {

// A pipe has no file name. A trained classifier is JSON; any other content describes a judge.
bool is_piped_description(const std::string& name) {
  std::error_code none;
  if (!std::filesystem::exists(name, none) || std::filesystem::is_directory(name, none)) return false;
  if (readable_path(name) == name) return false;
  const std::string text = read_file(name);
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string::npos && text[first] != '{';
}

// Where the path ends: "guard.yaml" | ":model=DIR". npos: not a description of a judge.
std::size_t end_of_path(const std::string& name) {
  for (const char* ending : {".yaml", ".yml"}) {
    const std::size_t at = name.find(std::string(ending) + ":");
    if (at != std::string::npos) return at + std::string(ending).size();
    if (name.ends_with(ending)) return name.size();
  }
  return is_piped_description(name) ? name.size() : std::string::npos;
}

}  // namespace

bool JudgeFile::is_named_by(const std::string& name) {
  return end_of_path(name) != std::string::npos;
}

std::string JudgeFile::path_in(const std::string& name) {
  return name.substr(0, end_of_path(name));
}

JudgeFile::JudgeFile(const std::string& name) : path_(path_in(name)) {
  const YAML::Node root = load_yaml(read_file(path_), "cannot read the judge " + path_);
  if (!root.IsMap()) throw bad_input("cannot read the judge " + path_).wanted("keys and values");
  for (const auto& entry : root) {
    if (!entry.first.IsScalar())
      throw bad_input("cannot read the judge " + path_).wanted("texts as keys").found(excerpt(YAML::Dump(entry.first)));
    values_.emplace(entry.first.Scalar(), entry.second);
  }
  const std::string overrides = name.size() > path_.size() ? name.substr(path_.size() + 1) : "";
  for (std::size_t at = 0; at < overrides.size();) {
    const std::size_t end = std::min(overrides.find(',', at), overrides.size());
    const std::string setting = overrides.substr(at, end - at);
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0)
      throw bad_usage("cannot use the judge " + excerpt(name)).wanted(path_ + ":key=value,…").found(excerpt(setting));
    values_.insert_or_assign(setting.substr(0, equals), YAML::Node(setting.substr(equals + 1)));
    overridden_.insert(setting.substr(0, equals));
    at = end + 1;
  }
}

JudgeFile::~JudgeFile() = default;
JudgeFile::JudgeFile(JudgeFile&&) noexcept = default;

bool JudgeFile::has(const std::string& key) const {
  const auto found = values_.find(key);
  return found != values_.end() && !found->second.IsNull();
}

bool JudgeFile::is_none(const std::string& key) {
  read_.push_back(key);
  const auto found = values_.find(key);
  if (found == values_.end()) return false;
  return found->second.IsNull() || (found->second.IsScalar() && found->second.Scalar() == "none");
}

void JudgeFile::refuse(const std::string& key, const std::string& wanted, const std::string& found) const {
  throw bad_input("cannot use the judge " + path_).with("key", key).wanted(wanted).found(excerpt(found));
}

YAML::Node JudgeFile::value(const std::string& key) {
  read_.push_back(key);
  return has(key) ? values_.at(key) : YAML::Node();
}

std::string JudgeFile::text(const std::string& key, const std::optional<std::string>& otherwise) {
  const YAML::Node node = value(key);
  if (node.IsScalar()) return node.Scalar();
  if (!node.IsNull()) refuse(key, "a text", YAML::Dump(node));
  if (!otherwise) {
    throw bad_input("cannot use the judge " + path_)
        .with("key", key)
        .wanted("a text")
        .found("no such key")
        .hint(path_ + ":" + key + "=…");
  }
  return *otherwise;
}

std::filesystem::path JudgeFile::file_under(const std::string& key) {
  const std::filesystem::path given = text(key);
  const bool piped = !path_.ends_with(".yaml") && !path_.ends_with(".yml");  // a pipe lies in no folder of the user's
  if (overridden_.contains(key) || piped) return given;
  return std::filesystem::path(path_).parent_path() / given;
}

double JudgeFile::number(const std::string& key, double otherwise, double least, double most) {
  const YAML::Node node = value(key);
  if (node.IsNull()) return otherwise;
  const auto found = node.IsScalar() ? parse_number(node.Scalar()) : std::nullopt;
  if (!found || *found < least || *found > most)
    refuse(key, "a number from " + std::to_string(least) + " to " + std::to_string(most), YAML::Dump(node));
  return *found;
}

std::int64_t JudgeFile::count(const std::string& key, std::int64_t otherwise, std::int64_t least, std::int64_t most) {
  const YAML::Node node = value(key);
  if (node.IsNull()) return otherwise;
  const auto found = node.IsScalar() ? parse_whole_number(node.Scalar()) : std::nullopt;
  if (!found || *found < least || *found > most)
    refuse(key, "a whole number from " + std::to_string(least) + " to " + std::to_string(most), YAML::Dump(node));
  return *found;
}

std::vector<std::string> JudgeFile::texts(const std::string& key) {
  const YAML::Node node = value(key);
  std::vector<std::string> list;
  if (node.IsScalar()) list.push_back(node.Scalar());
  if (node.IsSequence()) {
    for (const auto& entry : node) {
      if (!entry.IsScalar()) refuse(key, "a text or a list of texts", YAML::Dump(node));
      list.push_back(entry.Scalar());
    }
  }
  if (list.empty()) refuse(key, "a text or a list of texts", node.IsNull() ? "none" : YAML::Dump(node));
  return list;
}

std::vector<std::pair<std::string, std::string>> JudgeFile::named_texts(const std::string& key) {
  const YAML::Node node = value(key);
  std::vector<std::pair<std::string, std::string>> list;
  if (node.IsNull()) return list;
  if (!node.IsMap() || node.size() == 0) refuse(key, "names and texts", YAML::Dump(node));
  for (const auto& entry : node) {
    if (!entry.first.IsScalar() || !entry.second.IsScalar()) refuse(key, "names and texts", YAML::Dump(node));
    list.emplace_back(entry.first.Scalar(), entry.second.Scalar());
  }
  return list;
}

void JudgeFile::refuse_others() const {
  for (const auto& [key, node] : values_) {
    if (std::find(read_.begin(), read_.end(), key) != read_.end()) continue;
    Error error = bad_input("cannot use the judge " + path_);
    error.with("key", excerpt(key)).found("no such key of this kind of judge");
    if (const auto near = similar(key, read_); !near.empty()) error.hint(either_of(near));
    throw error;
  }
}

}  // namespace lethe
