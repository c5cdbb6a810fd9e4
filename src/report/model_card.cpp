#include "report/model_card.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "core/plain_text.h"

namespace lethe {
namespace {

bool is_word_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

// Cut at a character. one_line() leaves no control character and no invalid byte.
std::string bounded_line(std::string_view text, std::size_t most) {
  const std::string line = one_line(text), first = first_characters(line, most);
  return first.size() < line.size() ? first + "…" : first;
}

// A scalar of hub_name()'s characters. Words that YAML reads as something else than text are quoted.
std::string yaml_scalar(const std::string& name) {
  static constexpr std::array<std::string_view, 9> kWords = {"true", "false", "null", "yes", "no",
                                                             "on",   "off",   "y",    "n"};
  std::string lower = name;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  const bool plain = !name.empty() && std::isalpha(static_cast<unsigned char>(name[0])) != 0 &&
                     std::find(kWords.begin(), kWords.end(), lower) == kWords.end();
  return plain ? name : "\"" + name + "\"";
}

std::string front_matter(const ModelCard& card) {
  const std::string base = hub_name(card.base_model), licence = hub_name(card.licence);
  std::string yaml = "---\n";
  if (!base.empty()) {
    yaml += "base_model: " + yaml_scalar(base) + "\n";
    yaml += std::string("base_model_relation: ") + (card.adapter ? "adapter" : "finetune") + "\n";
  }
  yaml += std::string("library_name: ") + (card.adapter ? "peft" : "transformers") + "\n";
  yaml += "pipeline_tag: text-generation\n";
  yaml += "license: " + (licence.empty() ? "other" : yaml_scalar(licence)) + "\n";
  if (licence.empty()) yaml += "license_name: unknown\n";
  if (licence == "other" && !card.licence_name.empty())
    yaml += "license_name: " + yaml_scalar(hub_name(card.licence_name)) + "\n";
  yaml += "tags:\n";
  for (const std::string& tag : card.tags) yaml += "- " + yaml_scalar(hub_name(tag)) + "\n";
  return yaml + "---\n\n";
}

std::string list_of(const std::vector<std::string>& paragraphs) {
  std::string text;
  for (const std::string& paragraph : paragraphs) text += "* " + markdown_escaped(paragraph, 1000) + "\n";
  return text;
}

std::string tables_of(const std::vector<Table>& tables) {
  std::string text;
  for (Table table : tables) {
    table.title = markdown_escaped(table.title);
    for (std::string& cell : table.columns) cell = markdown_escaped(cell);
    for (auto& row : table.rows) {
      for (std::size_t i = 0; i < row.size(); ++i)
        row[i] = table.prose && i > 0 && !row[i].empty() ? markdown_code(row[i]) : markdown_escaped(row[i]);
    }
    text += markdown_table(table) + "\n";
  }
  return text;
}

std::string results_of(const ModelCard& card) {
  std::string text = "## Results\n\n";
  if (card.verdict) {
    std::string level = card.verdict->level == VerdictLevel::none ? "No verdict" : word_of(card.verdict->level);
    level[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(level[0])));
    text += "**" + level + ".** " + markdown_escaped(card.verdict->sentence) + "\n\n";
    if (!card.verdict->reasons.empty()) text += list_of(card.verdict->reasons) + "\n";
  }
  text += tables_of(card.results);
  for (const std::string& note : card.notes) text += markdown_escaped(note, 1000) + "\n\n";
  return text;
}

std::string loading_of(const ModelCard& card) {
  std::string base = hub_name(card.base_model);
  if (base.empty()) base = "path/to/the/base";
  const std::string head = "## How to load it\n\n```python\n";
  if (!card.adapter)
    return head +
           "from transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
           "tokenizer = AutoTokenizer.from_pretrained(\"path/to/this/folder\")\n"
           "model = AutoModelForCausalLM.from_pretrained(\"path/to/this/folder\")\n```\n\n";
  return head +
         "from peft import PeftModel\n"
         "from transformers import AutoModelForCausalLM, AutoTokenizer\n\n"
         "tokenizer = AutoTokenizer.from_pretrained(\"" +
         base + "\")\nbase = AutoModelForCausalLM.from_pretrained(\"" + base +
         "\")\nmodel = PeftModel.from_pretrained(base, \"path/to/this/folder\")\n```\n\n";
}

std::string licence_text(const ModelCard& card) {
  std::string text = "## Licence\n\n";
  const std::string licence = hub_name(card.licence);
  if (card.from_scratch) {
    text += "Whoever trained this model decides its licence. Lethe does not know it.\n";
  } else if (licence.empty()) {
    text += "The base's files do not name a licence. Look it up before you publish this model: it holds here too.\n";
  } else {
    text += "The base's licence holds here too: " +
            markdown_code(card.licence_name.empty() ? licence : hub_name(card.licence_name));
    const std::string& url = card.licence_url;
    const bool safe =
        url.starts_with("https://") && url.size() <= 300 && std::all_of(url.begin(), url.end(), [](char c) {
          return is_word_character(c) || std::string_view("-._~:/?#=&%+").find(c) != std::string::npos;
        });
    text += (safe ? " (<" + url + ">)" : "") + ".\n";
  }
  return text;
}

}  // namespace

std::string markdown_escaped(std::string_view text, std::size_t most_characters) {
  const std::string line = bounded_line(text, most_characters);
  std::string out;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    const bool markup = std::string_view("\\`*_[]<>#~&$").find(c) != std::string_view::npos;
    const bool image = c == '!' && i + 1 < line.size() && line[i + 1] == '[';
    // A bare address would become a link. ("|" is escaped where it matters, in markdown_table().)
    const bool address =
        (c == ':' && line.compare(i, 3, "://") == 0) || (c == '.' && i >= 3 && line.compare(i - 3, 3, "www") == 0);
    if (markup || image || address) out += '\\';
    out += c;
  }
  return out;
}

std::string markdown_code(std::string_view text, std::size_t most_characters) {
  std::string line = bounded_line(text, most_characters);
  std::replace(line.begin(), line.end(), '`', '\'');
  return line.empty() ? "" : "`" + line + "`";
}

std::string hub_name(std::string_view name) {
  std::string out;
  bool slash = false;
  for (const char c : name.substr(0, 96)) {
    const bool allowed = is_word_character(c) || c == '-' || c == '_' || c == '.' || (c == '/' && !slash);
    slash |= c == '/';
    out += allowed ? c : '-';
  }
  while (!out.empty() && std::string_view("-./").find(out.front()) != std::string_view::npos) out.erase(0, 1);
  while (!out.empty() && std::string_view("-./").find(out.back()) != std::string_view::npos) out.pop_back();
  return out;
}

std::string markdown_card(const ModelCard& card) {
  std::string text = front_matter(card) + "# " + markdown_escaped(card.title, 150) + "\n\n";
  text += markdown_escaped(card.summary, 1000) + "\n\n";
  text += results_of(card) + loading_of(card);
  text += "## How it was made\n\n" + tables_of(card.method);
  if (!card.version.empty()) text += "Made with Lethe " + markdown_escaped(card.version, 40) + ".\n\n";
  if (!card.data.empty()) text += "## Data\n\n" + tables_of(card.data);
  if (!card.limits.empty()) text += "## Limits\n\n" + list_of(card.limits) + "\n";
  return text + licence_text(card);
}

}  // namespace lethe
