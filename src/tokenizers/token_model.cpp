#include "tokenizers/token_model.h"

#include "core/error.h"
#include "tokenizers/components.h"

namespace lethe {
namespace {

// Models in older files have no type; their keys identify it.
std::string kind_of(const Json& model) {
  if (model.is_object() && model.contains("type") && !model.at("type").is_null()) return component_type(model);
  if (model.is_object() && model.contains("merges")) return "BPE";
  if (model.is_object() && model.contains("continuing_subword_prefix")) return "WordPiece";
  if (model.is_object() && model.contains("vocab") && model.at("vocab").is_array()) return "Unigram";
  return "WordLevel";
}

class WordLevel : public TokenModel {
 public:
  explicit WordLevel(const Json& model)
      : TokenModel(Vocabulary(component_key(model, "vocab"))),
        unknown_(vocabulary_.find(model.contains("unk_token") ? component_string(model, "unk_token") : "<unk>")) {}

  void encode(std::string_view piece, std::vector<ModelToken>& tokens) const override {
    int id = vocabulary_.find(piece);
    if (id < 0) id = unknown_;
    if (id < 0)
      throw bad_input("cannot tokenize").with("word", excerpt(piece)).wanted("an unk_token in the vocabulary");
    tokens.push_back({id, 0, static_cast<std::uint32_t>(piece.size()), vocabulary_.token(id)});
  }

 private:
  int unknown_;
};

}  // namespace

void TokenModel::refuse_long_walk(std::string_view piece) {
  throw bad_input("cannot tokenize: the vocabulary's tokens are too long for this text")
      .with("text", excerpt(piece))
      .wanted("tokens of at most a few hundred bytes");
}

std::unique_ptr<TokenModel> make_word_level(const Json& model) {
  return std::make_unique<WordLevel>(model);
}

std::unique_ptr<TokenModel> make_token_model(const Json& model) {
  const std::string kind = kind_of(model);
  if (kind == "BPE") return make_bpe(model);
  if (kind == "WordPiece") return make_word_piece(model);
  if (kind == "WordLevel") return make_word_level(model);
  if (kind == "Unigram") return make_unigram(model);
  refuse_component("model", Json{{"type", kind}});
}

}  // namespace lethe
