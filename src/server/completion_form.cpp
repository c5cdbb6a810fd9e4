// Answers in the form of POST /v1/completions.
#include <map>

#include "core/count_characters.h"
#include "server/reply_form.h"

namespace lethe {

std::string token_text(const Tokenizer& tokenizer, int id) {
  std::string text = tokenizer.decode({&id, 1}, false);
  if (!text.empty() && text.find("\xEF\xBF\xBD") == std::string::npos) return text;
  return id < tokenizer.size() ? valid_utf8(tokenizer.token(id)) : "id:" + std::to_string(id);
}

namespace {

class CompletionForm : public ReplyForm {
 public:
  CompletionForm(const GenerationRequest& request, const Tokenizer& tokenizer)
      : request_(request), tokenizer_(tokenizer) {}

  std::string object(bool) const override { return "text_completion"; }
  std::string id_begin() const override { return "cmpl-"; }

  OrderedJson choice(std::size_t index, const AnswerPiece& piece, const Answer& answer) override {
    std::string text;
    const bool first = !begun_.contains(index);
    Offsets& offsets = begun_.try_emplace(index, tokenizer_).first->second;
    OrderedJson logprobs;
    if (answer.request().logprobs) {
      logprobs = {{"tokens", OrderedJson::array()},
                  {"token_logprobs", OrderedJson::array()},
                  {"top_logprobs", OrderedJson::array()},
                  {"text_offset", OrderedJson::array()}};
    }
    if (first && request_.echo) {
      text = request_.prompt_texts[index / static_cast<std::size_t>(request_.each)];
      if (!logprobs.is_null()) add_prompt(logprobs, answer, offsets);
    }
    if (!logprobs.is_null()) {
      for (const AnswerToken& token : piece.tokens)
        add(logprobs, token.id, token.chances ? &*token.chances : nullptr, offsets);
    }
    text += piece.text;
    return {{"index", index},
            {"text", text},
            {"logprobs", logprobs},
            {"finish_reason", piece.finish.empty() ? OrderedJson() : OrderedJson(piece.finish)}};
  }

  std::vector<OrderedJson> chunks(std::size_t index, const AnswerPiece& piece, const Answer& answer) override {
    const bool silent = piece.text.empty() && piece.finish.empty() && !answer.request().logprobs &&
                        (!request_.echo || begun_.contains(index));
    if (silent) return {};
    return {choice(index, piece, answer)};
  }

 private:
  /// Where the text of the next token begins, in characters of the visible text.
  struct Offsets {
    explicit Offsets(const Tokenizer& tokenizer) : text(tokenizer) {}
    TextStream text;
    std::size_t next = 0;
  };

  void add_prompt(OrderedJson& logprobs, const Answer& answer, Offsets& offsets) const {
    const std::vector<int>& prompt = answer.request().prompt;
    const std::vector<TokenChances> chances = answer.prompt_chances();
    for (std::size_t i = 0; i < prompt.size(); ++i)
      add(logprobs, prompt[i], i > 0 && i <= chances.size() ? &chances[i - 1] : nullptr, offsets);
  }

  void add(OrderedJson& logprobs, int id, const TokenChances* chances, Offsets& offsets) const {
    const std::string text = token_text(tokenizer_, id);
    logprobs["tokens"].push_back(text);
    logprobs["text_offset"].push_back(offsets.next);
    offsets.next += count_characters(offsets.text.add(id));
    if (chances == nullptr) {
      logprobs["token_logprobs"].push_back(nullptr);
      logprobs["top_logprobs"].push_back(nullptr);
      return;
    }
    logprobs["token_logprobs"].push_back(chances->logprob);
    // The token itself is always there. If two ids have one text, the likelier one counts.
    OrderedJson top = OrderedJson::object();
    for (const auto& [other, logprob] : chances->top) top.emplace(token_text(tokenizer_, other), logprob);
    top.emplace(text, chances->logprob);
    logprobs["top_logprobs"].push_back(std::move(top));
  }

  const GenerationRequest& request_;
  const Tokenizer& tokenizer_;
  std::map<std::size_t, Offsets> begun_;  // by answer
};

}  // namespace

std::unique_ptr<ReplyForm> completion_form(const GenerationRequest& request, const Tokenizer& tokenizer) {
  return std::make_unique<CompletionForm>(request, tokenizer);
}

}  // namespace lethe
