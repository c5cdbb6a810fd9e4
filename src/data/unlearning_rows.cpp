#include "data/unlearning_rows.h"

#include <algorithm>
#include <optional>
#include <system_error>

#include "core/error.h"
#include "core/join.h"
#include "core/trimmed.h"
#include "data/benchmark_rows.h"
#include "data/folders.h"

namespace lethe {
namespace {

// A CSV's field holds a list as text: JSON, or as Python prints it, which cannot be read safely.
std::optional<Json> list_in_text(const Json& field) {
  if (!field.is_string()) return std::nullopt;
  const std::string_view text = trimmed(field.get_ref<const std::string&>());
  if (!text.starts_with("[\"") && !text.starts_with("['")) return std::nullopt;
  try {
    return parse_json(text, "perturbed_answer");
  } catch (const Error&) {
    throw UnusableRow("'perturbed_answer' holds a list that is no JSON");
  }
}

std::vector<std::string> perturbed_answers(const Fields& fields) {
  const Json* field = fields.find("perturbed_answer");
  if (field == nullptr) throw UnusableRow("no 'perturbed_answer'");
  const std::optional<Json> list = list_in_text(*field);
  if (list) field = &*list;
  std::vector<std::string> answers;
  for (const Json& answer : field->is_array() ? *field : Json::array({*field}))
    answers.push_back(text_value(answer, "perturbed_answer"));
  if (answers.empty()) throw UnusableRow("'perturbed_answer' is empty");
  return answers;
}

}  // namespace

LoadedTextRows load_text_rows(const std::vector<DataSource>& sources, const std::vector<std::string>& columns) {
  LoadedTextRows loaded;
  const std::string names = join(columns, ", ");
  for (const DataSource& source : expand_sources(sources)) {
    const auto recognise = [&](const Fields& fields) -> std::string {
      const auto has = [&](const std::string& column) { return fields.has(column); };
      return std::all_of(columns.begin(), columns.end(), has) ? names : "";
    };
    const auto take = [&](const Fields& fields, const RowPlace& place) {
      TextRow row{{}, source.path, place.line, place.index};
      for (const std::string& column : columns) row.texts.push_back(text_field(fields, column));
      loaded.rows.push_back(std::move(row));
    };
    loaded.files.push_back(read_benchmark_rows(source, {}, "texts", "the columns " + names, recognise, take));
  }
  return loaded;
}

LoadedTofu load_tofu(const std::vector<DataSource>& sources) {
  LoadedTofu loaded;
  std::uint64_t before = 0;  // rows of the parts before
  for (const DataSource& source : expand_sources(sources)) {
    const auto recognise = [](const Fields& fields) -> std::string {
      return fields.has("question") && fields.has("answer") && fields.has("perturbed_answer") ? "TOFU" : "";
    };
    const auto take = [&](const Fields& fields, const RowPlace& place) {
      TofuQuestion question;
      question.question = text_field(fields, "question");
      question.answer = text_field(fields, "answer");
      question.paraphrase =
          fields.has("paraphrased_answer") ? text_field(fields, "paraphrased_answer") : question.answer;
      question.perturbed = perturbed_answers(fields);
      question.source = source.path;
      question.line = place.line;
      question.index = before + place.index;
      loaded.questions.push_back(std::move(question));
    };
    loaded.files.push_back(read_benchmark_rows(
        source, {}, "TOFU's questions", "question, answer, perturbed_answer, paraphrased_answer", recognise, take));
    before += loaded.files.back().rows.rows;
  }
  return loaded;
}

std::vector<DataSource> files_named(const std::filesystem::path& folder, const std::string& name) {
  std::error_code none;
  for (const char* ending : {".json", ".jsonl", ".csv", ".parquet", ".json.gz", ".jsonl.gz", ".csv.gz"}) {
    const std::filesystem::path path = folder / (name + ending);
    if (std::filesystem::exists(path, none)) return {{path.string(), "", "", ""}};
  }
  std::vector<DataSource> parts;
  for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
    const std::string file = entry.path().filename().string();
    if (file.starts_with(name + "-") && file.ends_with(".parquet"))
      parts.push_back({entry.path().string(), "", "", ""});
  }
  std::sort(parts.begin(), parts.end(), [](const DataSource& a, const DataSource& b) { return a.path < b.path; });
  return parts;
}

}  // namespace lethe
