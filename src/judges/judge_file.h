// A judge described by a YAML file (recipes/judges/*.yaml): its kind and that kind's settings.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace YAML {
class Node;
}

namespace lethe {

/// The keys of the file, read one by one. Unread keys are refused at the end. Three keys are free text for `lethe judge
/// list` and never refused: about (what the judge is), licence and source.
class JudgeFile {
 public:
  /// Whether a judge's name refers to such a file: "guard.yaml", "guard.yaml:model=DIR,dtype=bfloat16".
  static bool is_named_by(const std::string& name);
  /// The path within such a name.
  static std::string path_in(const std::string& name);
  /// @throws Error (bad input) if the file is missing or not a YAML mapping; Error (usage) for an override without '='
  explicit JudgeFile(const std::string& name);
  ~JudgeFile();
  JudgeFile(JudgeFile&&) noexcept;

  /// Its path, for messages.
  const std::string& path() const { return path_; }

  bool has(const std::string& key) const;
  /// Whether the key is present and its value is null or the word none.
  bool is_none(const std::string& key);
  /// @throws Error (bad input) naming file and key if the value is missing (without a default), or of another type
  std::string text(const std::string& key, const std::optional<std::string>& otherwise = std::nullopt);
  /// The path of a file: relative to this file's folder, or to the current one if it follows the judge's name
  /// ("facts:facts=mine.jsonl").
  std::filesystem::path file_under(const std::string& key);
  double number(const std::string& key, double otherwise, double least, double most);
  std::int64_t count(const std::string& key, std::int64_t otherwise, std::int64_t least, std::int64_t most);
  /// One text, or a list of them; not empty.
  std::vector<std::string> texts(const std::string& key);
  /// Names and texts, in file order; empty without such a key.
  std::vector<std::pair<std::string, std::string>> named_texts(const std::string& key);

  /// @throws Error (bad input) if a key was not read, naming the nearest known one
  void refuse_others() const;
  /// @throws Error (bad input) about one key
  [[noreturn]] void refuse(const std::string& key, const std::string& wanted, const std::string& found) const;

 private:
  YAML::Node value(const std::string& key);
  std::string path_;
  std::map<std::string, YAML::Node> values_;
  std::vector<std::string> read_ = {"about", "licence", "source"};
  std::set<std::string> overridden_;  ///< keys that follow the name
};

}  // namespace lethe
