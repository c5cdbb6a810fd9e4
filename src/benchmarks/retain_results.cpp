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

Error other_questions(const RetainResults& retained) {
  return bad_input("cannot compare with the retain model of " + retained.path)
      .wanted("the same questions of the forget set");
}

}  // namespace

RetainResults read_retain_results(const std::string& path, const std::string& name) {
  std::error_code none;
  const fs::path file = fs::is_directory(path, none) ? fs::path(path) / "results.json" : fs::path(path);
  const Json results = read_json(file);
  RetainResults retained{file.string(), std::nullopt, {}};
  if (!results.is_object() || !results.contains("about")) {
    throw bad_input("cannot use the retain model's results")
        .with("file", retained.path)
        .wanted("results.json of lethe benchmark " + name)
        .found("another file");
  }
  const std::string found = json_text(json_object(results, "about", retained.path), "benchmark", retained.path);
  if (found != name) {
    throw bad_input("cannot use the retain model's results")
        .with("file", retained.path)
        .wanted("results of the benchmark " + name)
        .found(excerpt(found));
  }
  if (results.contains("mia_min_k") && results.at("mia_min_k").is_number())
    retained.min_k_auc = results.at("mia_min_k").get<double>();
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

}  // namespace lethe
