// WordPiece: takes the longest token at the beginning of a word, then the longest "##" token of the rest, and so on. A
// word that cannot be split like this is unknown as a whole.
#include <algorithm>

#include "core/count_characters.h"
#include "core/error.h"
#include "tokenizers/byte_tree.h"
#include "tokenizers/components.h"
#include "tokenizers/token_model.h"

namespace lethe {
namespace {

class WordPiece : public TokenModel {
 public:
  explicit WordPiece(const Json& model) : TokenModel(Vocabulary(component_key(model, "vocab"))) {
    unknown_token_ = model.contains("unk_token") ? component_affix(model, "unk_token") : "[UNK]";
    unknown_ = vocabulary_.find(unknown_token_);
    prefix_ = model.contains("continuing_subword_prefix") ? component_affix(model, "continuing_subword_prefix") : "##";
    if (model.contains("max_input_chars_per_word")) longest_word_ = component_count(model, "max_input_chars_per_word");
    fill_tree();
  }

  void encode(std::string_view piece, std::vector<ModelToken>& tokens) const override {
    const std::size_t before = tokens.size();
    if (count_characters(piece) <= longest_word_ && encode_word(piece, tokens)) return;
    tokens.resize(before);
    if (unknown_ < 0) {
      throw bad_input("cannot tokenize").with("word", excerpt(piece)).wanted(unknown_token_ + " in the vocabulary");
    }
    tokens.push_back({unknown_, 0, static_cast<std::uint32_t>(piece.size()), unknown_token_});
  }

 private:
  void fill_tree() {
    std::size_t bytes = prefix_.size();
    for (int id = 0; id < vocabulary_.size(); ++id) bytes += vocabulary_.token(id).size();
    tree_.reserve(bytes);
    id_of_node_.assign(bytes + 1, -1);
    const auto add = [&](const std::string& text) {
      std::uint32_t node = 0;
      for (const char byte : text) node = tree_.add(node, static_cast<unsigned char>(byte));
      return node;
    };
    for (int id = 0; id < vocabulary_.size(); ++id) {
      const std::string& token = vocabulary_.token(id);
      if (!token.empty()) id_of_node_[add(token)] = vocabulary_.find(token);
    }
    continued_ = add(prefix_);
  }

  bool encode_word(std::string_view word, std::vector<ModelToken>& tokens) const {
    std::size_t walked = 0;
    for (std::size_t begin = 0; begin < word.size();) {
      std::uint32_t node = begin > 0 ? continued_ : 0;
      int id = -1;
      std::size_t end = begin;
      for (std::size_t at = begin; at < word.size();) {
        node = tree_.child(node, static_cast<unsigned char>(word[at++]));
        if (node == 0) break;
        ++walked;
        if (id_of_node_[node] < 0) continue;
        id = id_of_node_[node];
        end = at;
      }
      if (walked > most_bytes_walked(word.size())) refuse_long_walk(word);
      if (id < 0) return false;
      tokens.push_back({id, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end), vocabulary_.token(id)});
      begin = end;
    }
    return true;
  }

  ByteTree tree_;
  std::vector<int> id_of_node_;  // -1: no token ends there
  std::uint32_t continued_ = 0;  // node of the continuation prefix
  std::string unknown_token_, prefix_;
  int unknown_ = -1;
  std::size_t longest_word_ = 100;
};

}  // namespace

std::unique_ptr<TokenModel> make_word_piece(const Json& model) {
  return std::make_unique<WordPiece>(model);
}

}  // namespace lethe
