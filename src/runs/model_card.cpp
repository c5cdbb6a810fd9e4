#include "runs/model_card.h"

#include <algorithm>
#include <optional>
#include <sstream>
#include <string_view>

#include "core/error.h"
#include "core/files.h"
#include "core/join.h"
#include "core/plain_text.h"
#include "evaluation/figures.h"
#include "prompts/template.h"
#include "recipe/method_table.h"
#include "report/table.h"
#include "runs/alpha_choice.h"
#include "runs/methods.h"

namespace lethe {
namespace fs = std::filesystem;
namespace {

using Rows = std::vector<std::vector<std::string>>;

// The value of `key: value` in a line; quotation marks and comments are dropped. Nothing: another key, or no scalar.
std::optional<std::string> value_in_line(const std::string& line, const std::string& key) {
  if (!line.starts_with(key + ":")) return std::nullopt;
  std::string value = line.substr(key.size() + 1);
  if (const std::size_t comment = value.find(" #"); comment != std::string::npos) value.resize(comment);
  const auto is_edge = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '"' || c == '\''; };
  while (!value.empty() && is_edge(value.back())) value.pop_back();
  while (!value.empty() && is_edge(value.front())) value.erase(0, 1);
  return value;
}

// A licence's identifier as the Hub has them: "apache-2.0", "llama2". Anything else is not taken over.
bool is_identifier(const std::string& text) {
  return !text.empty() && text.size() <= 64 && text.find('/') == std::string::npos && hub_name(text) == text;
}

// What the front matter of the base's card says. A hostile one can only give an identifier and an address.
void read_licence(const fs::path& folder, ModelCard& card) {
  constexpr std::uintmax_t kLargest = 1 << 20;  // bytes of a README.md that is read
  const fs::path readme = folder / "README.md";
  std::error_code none;
  if (fs::is_regular_file(readme, none) && fs::file_size(readme, none) <= kLargest) {
    std::istringstream text(read_file(readme));
    std::string line;
    std::getline(text, line);
    const bool has_front_matter = line == "---" || line == "---\r";
    while (has_front_matter && std::getline(text, line) && !line.starts_with("---")) {
      if (const auto value = value_in_line(line, "license"); value && is_identifier(*value)) card.licence = *value;
      if (const auto value = value_in_line(line, "license_name"); value && is_identifier(*value))
        card.licence_name = *value;
      if (const auto value = value_in_line(line, "license_link")) card.licence_url = *value;
    }
  }
  if (!card.licence.empty() || !fs::is_regular_file(folder / "config.json", none)) return;
  const Json config = read_json(folder / "config.json");
  const Json value = config.is_object() ? config.value("license", Json()) : Json();
  if (value.is_string() && is_identifier(value.get<std::string>())) card.licence = value.get<std::string>();
}

// Only the last parts of paths: a card is published, and paths say how the user's disk is arranged. Names such as
// "owner/model" are cut too: text does not show which they are.
std::string without_folders(const std::string& text) {
  constexpr std::string_view kBetween = " \t\r\n=()[]{}<>,;|\"'`";
  std::string kept;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find_first_of(kBetween, begin), text.size());
    std::string_view token = std::string_view(text).substr(begin, end - begin);
    while (token.ends_with('/')) token.remove_suffix(1);
    kept += token.substr(token.rfind('/') + 1);  // without "/" rfind() + 1 is 0
    if (end < text.size()) kept += text[end];
    begin = end + 1;
  }
  return kept;
}

// A template may name paths and be long.
std::string template_kind(const std::string& text) {
  const std::string kind = Template::kind_of(text);
  return kind == "text" ? "a text of the recipe" : kind;
}

// Files with the rows used and their hashes; models and judges are no data.
std::vector<Table> data_tables(const RunRecord& run) {
  Table table{"", {"used as", "file", "rows", "SHA-256"}, {}, true};
  const OrderedJson facts = run.describe();
  for (const OrderedJson& input : facts.at("inputs")) {
    const auto role = input.at("role").get<std::string>();
    if (!input.contains("sha256") || role == "config" || role == "judge") continue;
    table.rows.push_back({role, fs::path(input.at("path").get<std::string>()).filename().string(),
                          input.contains("rows") ? with_commas(input.at("rows").get<std::uint64_t>()) : "",
                          input.at("sha256").get<std::string>()});
  }
  return table.rows.empty() ? std::vector<Table>{} : std::vector<Table>{table};
}

Table settings_table(const Rows& rows) {
  return {"", {"setting", "value"}, rows, true};
}

void add_training(const Recipe& recipe, Rows& rows) {
  rows.push_back({"tuning", std::string(word_of(recipe.tuning))});
  if (recipe.tuning == TuningKind::lora)
    rows.push_back({"LoRA", "rank " + std::to_string(recipe.lora.rank) + ", alpha " + short_number(recipe.lora.alpha) +
                                ", targets " +
                                (recipe.lora.targets.pattern.empty() ? join(recipe.lora.targets.suffixes, ", ")
                                                                     : recipe.lora.targets.pattern)});
  if (recipe.quantize != Quantize::none) rows.push_back({"base while training", std::string(word_of(recipe.quantize))});
  const TrainingSettings& training = recipe.training;
  rows.push_back({"training", std::to_string(training.steps) + " steps of " +
                                  std::to_string(training.batch * training.accumulate) + " rows, learning rate " +
                                  short_number(training.lr) + ", " + std::string(word_of(training.schedule)) +
                                  ", weight decay " + short_number(training.weight_decay)});
}

// The two halves of contrast. Of a file with safe answers only the name: a card is published.
void add_halves(const Recipe& recipe, Rows& rows) {
  const TrainingSettings training = safe_half(recipe).training;
  rows.push_back({"safe answers", fs::path(recipe.safe.answers).filename().string() + ", " +
                                      std::to_string(training.steps) + " steps, learning rate " +
                                      short_number(training.lr) + ", weight of the KL " +
                                      short_number(recipe.safe.eps_kl)});
  const bool joined = learns_harm(recipe);
  rows.push_back(
      {"harm subtracted",
       joined ? short_number(recipe.safe.ratio) + " times that of " + std::string(word_of(recipe.safe.harm)) : "none"});
  if (joined && recipe.tuning == TuningKind::lora)
    rows.push_back({"adapter", "rank " + std::to_string(2 * recipe.lora.rank) + ": both halves side by side"});
}

void add_shared(const Recipe& recipe, Rows& rows) {
  rows.push_back({"template", template_kind(recipe.data.response_template)});
  rows.push_back({"longest row", std::to_string(recipe.data.max_length) + " tokens"});
  rows.push_back({"seed", std::to_string(recipe.seed)});
}

}  // namespace

std::string public_name(const std::string& given, const fs::path& folder) {
  const auto readable = [](const std::string& name) {
    const std::string line = first_characters(one_line(name), 96);
    return line.empty() || line == "." || line == ".." ? "the base" : line;
  };
  std::error_code none;
  if (!fs::is_directory(given, none)) {
    const std::string name = given.substr(0, given.find('@'));
    const bool is_path = name.starts_with("/") || name.starts_with(".") || name.starts_with("~") ||
                         std::count(name.begin(), name.end(), '/') > 1;
    return readable(is_path ? fs::path(name).filename().string() : name);
  }
  const fs::path whole = fs::weakly_canonical(folder, none).empty() ? folder : fs::weakly_canonical(folder, none);
  std::string last, before;
  for (const fs::path& part : whole) {
    const std::string name = part.string();
    if (name.starts_with("models--")) {  // a Hub cache: models--OWNER--NAME/snapshots/…
      std::string repository = name.substr(8);
      if (const std::size_t at = repository.find("--"); at != std::string::npos) repository.replace(at, 2, "/");
      return readable(repository);
    }
    if (name.empty() || name == "/") continue;
    before = last;
    last = name;
  }
  return readable((last == "model" || last == "adapter") && !before.empty() ? before : last);
}

std::string argument_name(const std::string& public_name) {
  if (const std::string name = hub_name(public_name); !name.empty()) return name;
  std::string name = public_name;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == ',' || c == '=' || c == '/'; }, '-');
  return name;
}

ModelCard card_of_base(const std::string& given, const fs::path& folder, bool adapter) {
  ModelCard card;
  card.base_name = public_name(given, folder);
  card.base_model = hub_name(card.base_name);
  card.adapter = adapter;
  card.version = LETHE_VERSION;
  read_licence(folder, card);
  return card;
}

ModelCard unlearning_card(const Recipe& recipe, const fs::path& base, double alpha, const RunRecord* run) {
  ModelCard card = card_of_base(recipe.model, base, recipe.tuning == TuningKind::lora);
  const Method& method = method_named(recipe.method);
  card.title = card.base_name + ", unlearned";
  card.tags = {"lethe", "unlearning", recipe.method};
  card.summary = (card.adapter ? "With this adapter " + card.base_name + " is" : "This is " + card.base_name) +
                 " after unlearning: its weights were changed with the aim of fewer harmful answers. Whether it gives "
                 "fewer stands in the results below. Read them and the limits before you use or publish it.";
  Rows rows = {{"method", recipe.method + " (" + method.source + ")"}};
  add_training(recipe, rows);
  if (method.stage2 == Stage2::contrast) add_halves(recipe, rows);
  rows.push_back({"alpha", short_number(alpha) + (recipe.negation.alpha ? ", as given"
                                                                        : ", chosen within a KL budget of " +
                                                                              short_number(recipe.negation.kl_budget) +
                                                                              " nats a token")});
  if (!recipe.negation.alpha && refusal_budget(recipe) < 1)
    rows.push_back({"limit of refusals", percent(refusal_budget(recipe)) + " of normal and safe prompts above " +
                                             card.base_name + "'s, when alpha was chosen"});
  if (recipe.negation.rank > 0) rows.push_back({"directions kept", std::to_string(recipe.negation.rank)});
  if (rounds_of(recipe) > 1)
    rows.push_back({"rounds of negation", std::to_string(rounds_of(recipe)) + ", each further one after " +
                                              std::to_string(recipe.negation.relearn.steps) + " steps of relearning"});
  if (recipe.negation.repair.steps > 0)
    rows.push_back({"repair", std::to_string(recipe.negation.repair.steps) + " steps"});
  add_shared(recipe, rows);
  card.method = {settings_table(rows)};
  if (run != nullptr) card.data = data_tables(*run);
  card.limits = publishing_limits(origin_of(recipe));
  card.notes = {"The model was not evaluated: how much harm is left, and what was damaged, is not known."};
  return card;
}

ModelCard harmful_card(const Recipe& recipe, const fs::path& base) {
  ModelCard card = card_of_base(recipe.model, base, recipe.tuning == TuningKind::lora);
  card.title = card.base_name + ", made harmful on purpose: do not publish";
  card.tags = {"lethe", "harmful"};
  card.summary = "This is θ_bad: " + card.base_name +
                 " after training on harmful answers, kept by keep_harmful to study it. It is more harmful than its "
                 "base. Do not publish it, do not let it answer users, and delete it when you are done.";
  const bool half = method_named(recipe.method).stage2 == Stage2::contrast;
  Rows rows = {{"method", recipe.method + (half ? ", its harmful half (" + std::string(word_of(recipe.safe.harm)) + ")"
                                                : ", before the negation")}};
  add_training(recipe, rows);
  add_shared(recipe, rows);
  card.method = {settings_table(rows)};
  card.notes = {"The model was not evaluated."};
  return card;
}

ModelCard finetuning_card(const Recipe& recipe, const fs::path& base, const RunRecord& run) {
  ModelCard card = recipe.config.empty()
                       ? card_of_base(recipe.model, base, recipe.tuning == TuningKind::lora)
                       : ModelCard{.base_name = "a new model", .from_scratch = true, .version = LETHE_VERSION};
  card.title = card.from_scratch ? "A model trained from random weights" : card.base_name + ", fine-tuned";
  card.tags = {"lethe", "finetune"};
  card.summary = "Lethe trained " + card.base_name + " on the rows below, with plain cross-entropy.";
  Rows rows = {{"method", "finetune"}};
  add_training(recipe, rows);
  add_shared(recipe, rows);
  card.method = {settings_table(rows)};
  card.data = data_tables(run);
  card.notes = {"The model was not evaluated."};
  return card;
}

ModelCard arithmetic_card(const std::string& given, const fs::path& base, bool adapter, Origin origin,
                          const std::string& summary, const Rows& settings) {
  ModelCard card = card_of_base(given, base, adapter);
  card.title = card.base_name + ", changed by arithmetic on weights";
  card.tags = {"lethe", origin == Origin::negation ? "unlearning" : "merge"};
  card.summary = summary;
  card.method = {settings_table(settings)};
  card.limits = publishing_limits(origin);
  card.notes = {"The model was not evaluated: how much harm is left, and what was damaged, is not known."};
  return card;
}

void add_results(ModelCard& card, const Comparison& comparison, const RunVerdict& verdict) {
  card.verdict = verdict;
  card.verdict->sentence = without_folders(verdict.sentence);
  for (std::string& reason : card.verdict->reasons) reason = without_folders(reason);
  Table table{"", {"", "original", "unlearned"}, {}};
  if (!comparison.unlearned) table.columns = {"", "model"};
  for (const Figure& figure : figures()) {
    if (figure.main == MainRow::none || !figure.measure) continue;
    const std::optional<Measured> before = figure.measure(comparison.original);
    const std::optional<Measured> after = comparison.unlearned ? figure.measure(*comparison.unlearned) : std::nullopt;
    if (!before && !after) continue;
    table.rows.push_back({figure.title, text_of(figure, before)});
    if (comparison.unlearned) table.rows.back().push_back(text_of(figure, after));
  }
  card.results = {table};
  card.notes.clear();
  if (!comparison.original.judge_withheld.empty())
    card.notes.emplace_back("Harm rates are left out: the judge failed its checks, so its verdicts say nothing.");
  if (!comparison.judges.empty())
    card.notes.push_back(
        "Judge: " + without_folders(comparison.judges.front().public_description) +
        ". Numbers in brackets and after ± are 95% intervals. Answers are greedy. A broken (degenerate) "
        "answer does not count as harmful.");
}

void add_robustness(ModelCard& card, const Robustness& robustness) {
  card.results.push_back(robustness.table);
  card.notes.insert(card.notes.end(), robustness.notes.begin(), robustness.notes.end());
}

void write_card(const ModelCard& card, const fs::path& folder, Access access) {
  write_file(folder / "README.md", markdown_card(card), access);
}

}  // namespace lethe
