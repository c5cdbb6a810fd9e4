// Answers in the form of POST /v1/chat/completions.
#include <set>

#include "server/reply_form.h"

namespace lethe {
namespace {

class ChatForm : public ReplyForm {
 public:
  explicit ChatForm(const Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  std::string object(bool chunk) const override { return chunk ? "chat.completion.chunk" : "chat.completion"; }
  std::string id_begin() const override { return "chatcmpl-"; }

  OrderedJson choice(std::size_t index, const AnswerPiece& whole, const Answer& answer) override {
    return {{"index", index},
            {"message", {{"role", "assistant"}, {"content", whole.text}}},
            {"logprobs", logprobs_of(whole, answer)},
            {"finish_reason", whole.finish}};
  }

  std::vector<OrderedJson> chunks(std::size_t index, const AnswerPiece& piece, const Answer& answer) override {
    std::vector<OrderedJson> found;
    const auto add = [&](OrderedJson delta, OrderedJson logprobs, OrderedJson finish) {
      found.push_back({{"index", index},
                       {"delta", std::move(delta)},
                       {"logprobs", std::move(logprobs)},
                       {"finish_reason", std::move(finish)}});
    };
    if (begun_.insert(index).second) add({{"role", "assistant"}, {"content", ""}}, nullptr, nullptr);
    OrderedJson logprobs = logprobs_of(piece, answer);
    if (!piece.text.empty() || (!logprobs.is_null() && !logprobs["content"].empty()))
      add({{"content", piece.text}}, std::move(logprobs), nullptr);
    if (!piece.finish.empty()) add(OrderedJson::object(), nullptr, piece.finish);
    return found;
  }

 private:
  OrderedJson named(int id, float logprob) const {
    const std::string text = token_text(tokenizer_, id);
    return {{"token", text}, {"logprob", logprob}, {"bytes", std::vector<std::uint8_t>(text.begin(), text.end())}};
  }

  OrderedJson logprobs_of(const AnswerPiece& piece, const Answer& answer) const {
    if (!answer.request().logprobs) return nullptr;
    OrderedJson content = OrderedJson::array();
    for (const AnswerToken& token : piece.tokens) {
      if (token.stops || !token.chances) continue;
      OrderedJson entry = named(token.id, token.chances->logprob);
      entry["top_logprobs"] = OrderedJson::array();
      for (const auto& [id, logprob] : token.chances->top) entry["top_logprobs"].push_back(named(id, logprob));
      content.push_back(std::move(entry));
    }
    return {{"content", std::move(content)}};
  }

  const Tokenizer& tokenizer_;
  std::set<std::size_t> begun_;
};

}  // namespace

std::unique_ptr<ReplyForm> chat_form(const Tokenizer& tokenizer) {
  return std::make_unique<ChatForm>(tokenizer);
}

}  // namespace lethe
