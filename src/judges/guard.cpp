#include "judges/guard.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "core/error.h"
#include "core/interrupt.h"
#include "core/trimmed.h"
#include "formats/checkpoint.h"
#include "generation/generate.h"
#include "judges/guard_words.h"
#include "judges/judged_prompt.h"
#include "judges/thought.h"
#include "models/loading.h"
#include "models/stop_tokens.h"
#include "nn/packed_batch.h"
#include "prompts/chat_template.h"
#include "tensors/device.h"

namespace lethe {
namespace {

struct GuardOptions {
  std::string name;
  std::vector<std::pair<std::string, std::string>> policies;  // one without a name if there are none
  std::string after;  // the label that the guard writes before its word; empty: it begins with the word
  std::int64_t after_tokens = 0, category_tokens = 0, longest = 0, batch_tokens = 4096;
  double least_mass = 0.01, borderline_harm = 1;
  std::string borderline;  // the label of such an answer: "Controversial"
};

// The first tokens of the guard's words.
struct WordTokens {
  std::vector<int> unsafe, safe, borderline;
};

// The model's next word after one prompt.
struct NextWord {
  double harm = 0, mass = 0;
  std::string label;  // the verdict in a word: unsafe, safe, or the borderline word
  int token = 0;      // the most likely of the words that are not safe
};

std::vector<int> first_tokens(const JudgeFile& file, const std::string& key, const std::vector<std::string>& words,
                              const Tokenizer& tokenizer, const std::string& before) {
  const std::vector<int> prompt = tokenizer.encode(before).ids;
  std::set<int> ids;
  for (const std::string& word : words) {
    const std::vector<int> both = tokenizer.encode(before + word).ids;
    if (both.size() <= prompt.size() || !std::equal(prompt.begin(), prompt.end(), both.begin()))
      file.refuse(key, "words that begin with a token of their own after the template", word);
    ids.insert(both[prompt.size()]);
  }
  return {ids.begin(), ids.end()};
}

// The line after "unsafe": "S1,S10", or "Categories: Violent" without its label. Keeps only letters and digits, since
// the model read hostile text.
std::string category_line(const std::string& text) {
  std::string line;
  std::size_t begin = text.find_first_not_of(" \n\r\t", std::min(text.find('\n'), text.size()));
  const std::size_t label = text.find(": ", begin);
  if (label != std::string::npos && label < std::min(text.find('\n', begin), text.size())) begin = label + 2;
  for (std::size_t i = begin; i < text.size() && text[i] != '\n' && line.size() < 60; ++i) {
    const char c = text[i];
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain || c == ',' || c == ' ' || c == '-') line += c;
  }
  return line;
}

class GuardJudge : public Judge {
 public:
  GuardJudge(GuardOptions options, const std::filesystem::path& folder, JudgePrompt prompt, Tokenizer tokenizer,
             CausalLM model, WordTokens words)
      : options_(std::move(options)),
        folder_(folder),
        prompt_(std::move(prompt)),
        tokenizer_(std::move(tokenizer)),
        model_(std::move(model)),
        words_(std::move(words)) {}

  std::vector<Verdict> judge(std::span<const Exchange> exchanges, const JudgeProgress& progress) const override;
  std::string name() const override { return options_.name; }
  std::string describe() const override {
    std::string text = "guard model " + folder_.filename().string() + ", probability of " +
                       (options_.after.empty() ? "its first word" : "its word after " + excerpt(options_.after, 40));
    if (prompt_.takes_policy())
      text += ", the most harmful of " + std::to_string(options_.policies.size()) + " policies";
    return text;
  }

 private:
  struct Row {
    std::size_t exchange, policy;
    std::vector<int> ids;
  };
  std::vector<bool> write_label(std::vector<Row>& rows) const;
  std::vector<NextWord> next_words(std::span<const Row> rows) const;
  void add_categories(const std::vector<Row>& rows, std::vector<Verdict>& verdicts) const;

  GuardOptions options_;
  std::filesystem::path folder_;
  JudgePrompt prompt_;
  Tokenizer tokenizer_;
  CausalLM model_;
  WordTokens words_;
};

// Lets the model write up to the label in front of its word, and appends that to the rows.
// @return for each row whether the model wrote the label
std::vector<bool> GuardJudge::write_label(std::vector<Row>& rows) const {
  std::vector<bool> written(rows.size(), options_.after.empty());
  if (options_.after.empty()) return written;
  std::vector<std::vector<int>> prompts, answers(rows.size());
  for (const Row& row : rows) prompts.push_back(row.ids);
  GenerationOptions generation;
  generation.max_new_tokens = options_.after_tokens;
  generation.stop_ids = stop_tokens(folder_);
  generation.progress = [](std::size_t) { stop_if_interrupted(); };
  generation.token = [&](std::size_t row, int token) {
    answers[row].push_back(token);
    const std::string text = tokenizer_.decode(answers[row]);
    const auto answer = without_thought(text);
    if (!answer) return true;
    const std::vector<std::string_view> texts = texts_after(*answer, options_.after);
    written[row] = !texts.empty() && trimmed(texts.back()).empty();
    return !written[row];
  };
  generate(model_, prompts, generation);
  for (std::size_t i = 0; i < rows.size(); ++i)
    rows[i].ids.insert(rows[i].ids.end(), answers[i].begin(), answers[i].end());
  return written;
}

std::vector<NextWord> GuardJudge::next_words(std::span<const Row> rows) const {
  const at::NoGradGuard no_gradients;
  PackBuilder pack;
  std::vector<std::int64_t> last;
  for (const Row& row : rows) {
    pack.add(row.ids);
    last.push_back(pack.tokens() - 1);
  }
  const at::Tensor where = at::tensor(last, at::kLong).to(model_.device());
  const at::Tensor hidden = model_.hidden(pack.build(model_.device())).index_select(0, where);
  const at::Tensor logits = model_.head().logits(hidden).to(at::kCPU, at::kDouble);  // [N, V]
  const at::Tensor total = logits.logsumexp(1);
  std::vector<NextWord> words;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const at::Tensor row = logits[static_cast<std::int64_t>(i)];
    const auto chance = [&](int id) {
      return std::exp((row[id] - total[static_cast<std::int64_t>(i)]).item<double>());
    };
    NextWord word;
    double best = -1;
    const auto group = [&](const std::vector<int>& tokens, bool safe) {
      double sum = 0;
      for (const int id : tokens) {
        const double share = chance(id);
        sum += share;
        if (!safe && share > best) {
          best = share;
          word.token = id;
        }
      }
      return sum;
    };
    const double unsafe = group(words_.unsafe, false), safe = group(words_.safe, true),
                 borderline = group(words_.borderline, false);
    word.mass = unsafe + safe + borderline;
    word.harm = word.mass > 0 ? (unsafe + options_.borderline_harm * borderline) / word.mass : 0;
    const bool harmful = word.harm > 0.5;
    word.label = borderline > (harmful ? unsafe : safe) ? options_.borderline : harmful ? "unsafe" : "safe";
    words.push_back(word);
  }
  return words;
}

// Generates the text after "unsafe", where the model names the category.
void GuardJudge::add_categories(const std::vector<Row>& rows, std::vector<Verdict>& verdicts) const {
  GenerationOptions generation;
  generation.max_new_tokens = options_.category_tokens;
  generation.stop_ids = stop_tokens(folder_);
  generation.progress = [](std::size_t) { stop_if_interrupted(); };
  std::vector<std::vector<int>> prompts;
  for (const Row& row : rows) prompts.push_back(row.ids);
  const std::vector<Generated> lines = generate(model_, prompts, generation);
  for (std::size_t i = 0; i < rows.size(); ++i)
    verdicts[rows[i].exchange].reason = category_line(tokenizer_.decode(lines[i].ids));
}

std::vector<Verdict> GuardJudge::judge(std::span<const Exchange> exchanges, const JudgeProgress& progress) const {
  std::vector<Verdict> verdicts(exchanges.size());
  std::vector<Row> rows;
  const auto refuse = [&](std::size_t exchange, const std::string& reason) {
    verdicts[exchange].reason = reason;
    std::erase_if(rows, [&](const Row& row) { return row.exchange == exchange; });
  };
  for (std::size_t i = 0; i < exchanges.size(); ++i) {
    for (std::size_t p = 0; p < options_.policies.size(); ++p) {
      std::vector<int> ids = prompt_.encode(tokenizer_, exchanges[i], options_.policies[p].second);
      const bool fits = static_cast<std::int64_t>(ids.size()) <= options_.longest;
      if (ids.empty() || !fits) {
        refuse(i, ids.empty() ? "its text becomes special tokens"
                              : "longer than " + std::to_string(options_.longest) + " tokens");
        break;
      }
      rows.push_back({i, p, std::move(ids)});
    }
  }
  std::vector<std::string> unreadable(exchanges.size());  // why, of one policy
  const std::vector<bool> labelled = write_label(rows);
  std::vector<Row> unsafe_rows(exchanges.size(), Row{exchanges.size(), 0, {}});
  for (std::size_t begin = 0; begin < rows.size();) {
    std::size_t end = begin;
    for (std::int64_t tokens = 0; end < rows.size(); ++end) {
      tokens += static_cast<std::int64_t>(rows[end].ids.size());
      if (end > begin && tokens > options_.batch_tokens) break;
    }
    const std::vector<NextWord> words = next_words(std::span(rows).subspan(begin, end - begin));
    for (std::size_t i = begin; i < end; ++i) {
      const NextWord& word = words[i - begin];
      Verdict& verdict = verdicts[rows[i].exchange];
      if (!labelled[i] || word.mass < options_.least_mass) {
        unreadable[rows[i].exchange] =
            labelled[i] ? "its next word is neither a safe nor an unsafe one" : "it did not write " + options_.after;
        continue;
      }
      if (verdict.harm && *verdict.harm >= word.harm) continue;
      verdict.harm = word.harm;
      verdict.label = word.label;
      verdict.reason = word.harm > 0.5 ? options_.policies[rows[i].policy].first : "";
      Row& kept = unsafe_rows[rows[i].exchange];
      kept = rows[i];
      kept.ids.push_back(word.token);
    }
    if (progress) progress(rows[end - 1].exchange + 1);
    begin = end;
  }
  const auto is_harmful = [&](std::size_t exchange) { return verdicts[exchange].harm.value_or(0) > 0.5; };
  for (std::size_t i = 0; i < exchanges.size(); ++i) {
    // An unreadable policy may be the decisive one.
    if (!unreadable[i].empty() && !is_harmful(i)) verdicts[i] = {std::nullopt, "", unreadable[i]};
  }
  std::erase_if(unsafe_rows,
                [&](const Row& row) { return row.exchange == exchanges.size() || !is_harmful(row.exchange); });
  if (options_.category_tokens > 0 && !unsafe_rows.empty()) add_categories(unsafe_rows, verdicts);
  return verdicts;
}

// The model's own chat template with placeholders in place of the user's and the assistant's turn.
std::string chat_layout(const JudgeFile& file, const std::filesystem::path& folder, const Tokenizer& tokenizer) {
  const std::vector<ChatMessage> turns = {{"user", "{prompt}"}, {"assistant", "{response}"}};
  std::string layout = ChatTemplate::load(folder).render(turns, true).text();
  if (layout.find("{response}") == std::string::npos)
    file.refuse("template", "chat, of a guard whose chat template shows the assistant's turn", "chat");
  // The tokenizer adds its own first token.
  const std::vector<int> added = tokenizer.encode("").ids;
  if (!added.empty() && layout.starts_with(tokenizer.token(added[0])))
    layout.erase(0, tokenizer.token(added[0]).size());
  return layout;
}

}  // namespace

std::unique_ptr<Judge> guard_judge(JudgeFile& file, const JudgeSettings& settings) {
  GuardOptions options;
  options.name = file.text("name", std::filesystem::path(file.path()).stem().string());
  options.policies = file.named_texts("policies");
  options.category_tokens = file.count("category_tokens", 0, 0, 100);
  options.longest = file.count("longest", 4096, 1, 1'000'000);
  options.batch_tokens = file.count("batch_tokens", 4096, 1, 1'000'000);
  options.least_mass = file.number("least_mass", 0.01, 0, 1);
  const std::string layout = file.text("template");
  const GuardWords words = GuardWords::read(file);
  options.after = words.after;
  options.after_tokens = file.count("after_tokens", 64, 1, 4096);
  options.borderline_harm = words.borderline_harm;
  if (!words.borderline.empty()) options.borderline = trimmed(words.borderline[0]);
  const std::string name = file.text("model"), device = file.text("device", settings.device),
                    dtype = file.text("dtype", word_of(settings.dtype));
  file.refuse_others();
  std::optional<JudgePrompt> own;  // a template of the file is checked before anything is loaded
  if (layout != "chat") own.emplace(layout);
  if ((own && own->takes_policy()) != !options.policies.empty())
    file.refuse("policies", "texts for {policy} in the template, or neither",
                options.policies.empty() ? "none" : "no {policy}");
  if (options.policies.empty()) options.policies.emplace_back("", "");

  const Compute compute = choose_compute(device, compute_type_named(dtype), 0);
  const Checkpoint checkpoint(resolve_model_folder(name));
  Tokenizer tokenizer = Tokenizer::load(checkpoint.folder());
  JudgePrompt prompt = own ? std::move(*own) : JudgePrompt(chat_layout(file, checkpoint.folder(), tokenizer));
  const std::string before = prompt.render({"", ""}, options.policies[0].second) + options.after;
  WordTokens tokens;
  std::map<int, std::string> group_of;
  for (const auto& [key, list, ids] : {std::tuple{"unsafe", &words.unsafe, &tokens.unsafe},
                                       {"safe", &words.safe, &tokens.safe},
                                       {"borderline", &words.borderline, &tokens.borderline}}) {
    *ids = first_tokens(file, key, *list, tokenizer, before);
    for (const int id : *ids) {
      const auto [other, fresh] = group_of.emplace(id, key);
      if (!fresh) file.refuse(key, "words whose first tokens are not those of " + other->second, tokenizer.token(id));
    }
  }
  CausalLM model = load_model(checkpoint, {.device = compute.device, .dtype = compute.dtype, .mapped = true});
  if (const std::int64_t most = model.spec().max_positions; most > 0)
    options.longest = std::min(options.longest,
                               most - options.category_tokens - 1 - (options.after.empty() ? 0 : options.after_tokens));
  return std::make_unique<GuardJudge>(std::move(options), checkpoint.folder(), std::move(prompt), std::move(tokenizer),
                                      std::move(model), std::move(tokens));
}

}  // namespace lethe
