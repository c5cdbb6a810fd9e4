// WordPiece: the longest token that a word begins with, then the longest "##" token that the rest begins with, …; a
// word that cannot be told like this is unknown as a whole.
#include <algorithm>

#include "core/error.h"
#include "text/components.h"
#include "text/token_model.h"

namespace lethe {
namespace {

class WordPiece : public TokenModel {
 public:
  explicit WordPiece(const Json& model) : TokenModel(Vocabulary(component_key(model, "vocab"))) {
    unknown_token_ = model.contains("unk_token") ? component_string(model, "unk_token") : "[UNK]";
    unknown_ = vocabulary_.find(unknown_token_);
    prefix_ = model.contains("continuing_subword_prefix") ? component_string(model, "continuing_subword_prefix") : "##";
    if (model.contains("max_input_chars_per_word")) longest_word_ = component_count(model, "max_input_chars_per_word");
  }

  void encode(std::string_view piece, std::vector<ModelToken>& tokens) const override {
    const std::size_t before = tokens.size();
    if (characters_in(piece) <= longest_word_ && encode_word(piece, tokens)) return;
    tokens.resize(before);
    if (unknown_ < 0) {
      throw bad_input("cannot tokenize").with("word", excerpt(piece)).wanted(unknown_token_ + " in the vocabulary");
    }
    tokens.push_back({unknown_, 0, static_cast<std::uint32_t>(piece.size()), unknown_token_});
  }

 private:
  static std::size_t characters_in(std::string_view text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
  }

  bool encode_word(std::string_view word, std::vector<ModelToken>& tokens) const {
    std::string candidate;
    for (std::size_t begin = 0; begin < word.size();) {
      candidate = begin > 0 ? prefix_ : "";
      const std::size_t prefix = candidate.size();
      if (vocabulary_.longest() <= prefix) return false;
      candidate += word.substr(begin, vocabulary_.longest() - prefix);
      int id = -1;
      while (candidate.size() > prefix && (id = vocabulary_.find(candidate)) < 0) {
        do {
          candidate.pop_back();
        } while (candidate.size() > prefix && splits_character(word, begin + candidate.size() - prefix));
      }
      if (id < 0) return false;
      const std::size_t end = begin + candidate.size() - prefix;
      tokens.push_back({id, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), vocabulary_.token(id)});
      begin = end;
    }
    return true;
  }

  static bool splits_character(std::string_view text, std::size_t at) {
    return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
  }

  std::string unknown_token_, prefix_;
  int unknown_ = -1;
  std::size_t longest_word_ = 100;
};

}  // namespace

std::unique_ptr<TokenModel> make_word_piece(const Json& model) {
  return std::make_unique<WordPiece>(model);
}

}  // namespace lethe
