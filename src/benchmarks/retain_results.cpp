#include "benchmarks/retain_results.h"

#include <filesystem>

#include "core/error.h"
#include "core/files.h"
#include "core/json.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

void read_forget_rows(const fs::path& file, RetainResults& retained) {
  for (const JsonLine& line : parse_json_lines(read_file(file), file.string())) {
    if (json_text(line.value, "set", line.where) != "forget") continue;
    const auto index = static_cast<std::uint64_t>(json_count(line.value, "index", line.where));
    retained.questions[index] = {json_text(line.value, "question", line.where),
                                 json_number(line.value, "truth_ratio", line.where)};
  }
}

Error not_comparable(const RetainResults& retained) {
  return bad_input("cannot compare with the retain model of " + retained.path);
}

Error other_questions(const RetainResults& retained) {
  return not_comparable(retained).wanted("the same questions of the forget set");
}

double share_of(const Json& value, const std::string& name, const std::string& path) {
  const auto share = value.get<double>();
  if (share >= 0 && share <= 1) return share;
  throw bad_input("cannot use the retain model's results")
      .with("file", path)
      .wanted(name + " from 0 to 1")
      .found(excerpt(dump_json(value)));
}

}  // namespace

RetainResults read_retain_results(const std::string& path, const std::string& name) {
  std::error_code none;
  const fs::path file = fs::is_directory(path, none) ? fs::path(path) / "results.json" : fs::path(path);
  const Json results = read_json(file);
  RetainResults retained{.path = file.string()};
  if (!results.is_object() || !results.contains("about")) {
    throw bad_input("cannot use the retain model's results")
        .with("file", retained.path)
        .wanted("results.json of lethe benchmark " + name)
        .found("another file");
  }
  const Json& about = json_object(results, "about", retained.path);
  const std::string found = json_text(about, "benchmark", retained.path);
  if (found != name) {
    throw bad_input("cannot use the retain model's results")
        .with("file", retained.path)
        .wanted("results of the benchmark " + name)
        .found(excerpt(found));
  }
  if (results.contains("mia_min_k") && results.at("mia_min_k").is_number())
    retained.min_k_auc = share_of(results.at("mia_min_k"), "mia_min_k", retained.path);
  if (about.contains("split")) retained.split = json_text(about, "split", retained.path);
  if (about.contains("template")) retained.prompt_template = json_text(about, "template", retained.path);
  if (about.contains("questions")) {
    const Json& questions = json_object(about, "questions", retained.path);
    for (const auto& [set, count] : questions.items())
      retained.sizes[set] = static_cast<std::uint64_t>(json_count(questions, set, retained.path));
  }
  if (name == "tofu") read_forget_rows(file.parent_path() / "rows.jsonl", retained);
  return retained;
}

std::vector<double> retained_ratios(const RetainResults& retained, const std::vector<TofuQuestion>& questions) {
  if (retained.questions.size() != questions.size()) {
    throw other_questions(retained)
        .found(with_commas(retained.questions.size()) + " instead of " + with_commas(questions.size()))
        .hint("the same --split and --limit for both models");
  }
  std::vector<double> ratios;
  for (const TofuQuestion& question : questions) {
    const auto found = retained.questions.find(question.index);
    if (found == retained.questions.end() || found->second.question != question.question) {
      throw other_questions(retained)
          .found("another one, or none, in place of row " + with_commas(question.index))
          .hint("the same --split and --limit for both models");
    }
    ratios.push_back(found->second.truth_ratio);
  }
  return ratios;
}

void check_retained_size(const RetainResults& retained, const std::string& set, std::size_t texts) {
  const auto found = retained.sizes.find(set);
  if (!retained.min_k_auc || found == retained.sizes.end() || found->second == texts) return;
  throw not_comparable(retained)
      .wanted(with_commas(texts) + " texts of " + set)
      .found(with_commas(found->second))
      .hint("the same --data, --split and --limit for both models");
}

}  // namespace lethe
