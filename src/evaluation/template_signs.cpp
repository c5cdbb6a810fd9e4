#include "evaluation/template_signs.h"

#include <algorithm>

#include "core/error.h"
#include "report/table.h"

namespace lethe {
namespace {

constexpr std::size_t kFewestAnswers = 10;
constexpr std::int64_t kEnoughTokens = 60;  // shorter limits cut good answers too
constexpr double kEndingShare = 0.1;        // fewer ended answers are a sign
constexpr double kEchoShare = 0.1;          // so are as many echoes,
constexpr double kBrokenShare = 0.25;       // and as many empty or repeating answers
// Mean NLL of greedy answers, nats a token. SmolLM2-135M-Instruct: 0.8 with its chat template, 0.5 with SKU's text,
// whose loops are likely. Only answers that do not fit the tokenizer or the weights are this unlikely.
constexpr double kUnlikely = 2.0;

constexpr std::size_t kFewestEchoes = 2;
const char* kHint = "data.template, or --template, chooses another one";

class Signs {
 public:
  Signs(const ModelResult& model, const EvaluationOptions& options, const std::string& name)
      : options_(options), name_(name) {
    for (const auto& [set_name, set] : sets_of(model)) {
      for (const JudgedAnswer& answer : set->answers) answers_.push_back(&answer);
    }
  }

  std::vector<std::string> found() {
    const std::string other = other_than_chat_template(options_.layout.text(), options_.has_chat_template);
    if (!other.empty()) signs_.push_back(other);
    if (answers_.size() < kFewestAnswers) return signs_;
    add_echoes();
    add_endless();
    add_broken();
    add_unlikely();
    return signs_;
  }

 private:
  void add_echoes() {
    const std::vector<std::string> marks = options_.layout.marks();
    std::string example;
    const auto echoes = [&](const JudgedAnswer& answer) {
      for (const std::string& mark : marks) {
        if (answer.response.find(mark) == std::string::npos || answer.prompt.find(mark) != std::string::npos) continue;
        if (example.empty()) example = mark;
        return true;
      }
      return false;
    };
    const std::size_t hits = count(echoes);
    if (hits < kFewestEchoes || share(hits) < kEchoShare) return;
    add(of_answers(hits) + " contain parts of a prompt template (\"" + example +
        "\"). The model continues with prompts of its own, or it was trained with another template: " + kHint + ".");
  }

  void add_endless() {
    const bool knows_end = options_.has_chat_template || options_.layout.is_chat() || options_.examples.append_eos;
    if (!knows_end || options_.max_new_tokens < kEnoughTokens) return;
    const std::size_t ended = count([](const JudgedAnswer& answer) { return answer.ended; });
    if (share(ended) >= kEndingShare) return;
    add("Only " + of_answers(ended) + " ended within " +
        with_commas(static_cast<std::uint64_t>(options_.max_new_tokens)) +
        " tokens. They may need more room (max_new_tokens), generation_config.json may lack the token that ends a "
        "turn, "
        "or the model was trained with another template: " +
        kHint + ".");
  }

  void add_broken() {
    const auto broken = [&](Degeneracy kind) {
      return count([&](const JudgedAnswer& answer) { return answer.degeneracy == kind; });
    };
    const std::size_t empty = broken(Degeneracy::empty), repeating = broken(Degeneracy::repeating);
    if (share(empty + repeating) < kBrokenShare) return;
    add(of_answers(empty + repeating) + " are empty (" + with_commas(empty) + ") or repeat themselves (" +
        with_commas(repeating) + "). A model often does so if it was trained with another template: " + kHint + ".");
  }

  void add_unlikely() {
    Perplexity sum;
    for (const JudgedAnswer* answer : answers_) {
      if (answer->under_original) sum += *answer->under_original;
    }
    const std::size_t scored = count([](const JudgedAnswer& answer) { return answer.under_original.has_value(); });
    if (scored < kFewestAnswers || sum.mean() <= kUnlikely) return;
    add("The " + name_ + "'s perplexity on its own " + with_commas(scored) + " answers is " + fixed(sum.value(), 1) +
        ", which is high for greedy decoding. Its template, tokenizer and weights may not belong together.");
  }

  template <class Holds>
  std::size_t count(const Holds& holds) const {
    return static_cast<std::size_t>(
        std::count_if(answers_.begin(), answers_.end(), [&](const JudgedAnswer* answer) { return holds(*answer); }));
  }
  double share(std::size_t hits) const { return static_cast<double>(hits) / static_cast<double>(answers_.size()); }
  std::string of_answers(std::size_t hits) const {
    return with_commas(hits) + " of the " + name_ + "'s " + with_commas(answers_.size()) + " answers";
  }
  void add(std::string sign) { signs_.push_back(std::move(sign)); }

  const EvaluationOptions& options_;
  std::string name_;
  std::vector<const JudgedAnswer*> answers_;
  std::vector<std::string> signs_;
};

}  // namespace

std::string other_than_chat_template(const std::string& text, bool has_chat_template) {
  if (!has_chat_template || text == "chat") return "";
  const std::string used = text == Template::sku_default ? "SKU's text" : "another text";
  return "The model has a chat template, but its prompts use " + used +
         ". Unless it was trained with that, use its chat template: data.template=chat, or --template chat.";
}

std::vector<std::string> template_signs(const ModelResult& model, const EvaluationOptions& options,
                                        const std::string& name) {
  return Signs(model, options, name).found();
}

}  // namespace lethe
