#include "text/tokenizer.h"

#include <algorithm>

#include "core/error.h"
#include "core/json.h"
#include "text/added_tokens.h"
#include "text/bpe.h"
#include "text/components.h"
#include "text/gpt2_files.h"
#include "text/sentencepiece_model.h"

namespace lethe {

// Text → added tokens | normalizer → pre-tokenizer → model → post-processor; or all of it in the SentencePiece library.
struct Tokenizer::Pipeline {
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  PostProcessor post_processor;
  Decoder decoder;
  AddedTokens added;
  std::unique_ptr<Bpe> model;
  std::unique_ptr<SentencePieceModel> sentencepiece;
  std::string eos;

  std::vector<Token> encode(std::string_view text, bool add_special) const;
  void encode_piece(NormalizedText piece, std::vector<Token>& tokens) const;
  void read(const Json& spec);
  bool left_out_in_decoding(int id) const;
};

void Tokenizer::Pipeline::read(const Json& spec) {
  const Json& described = component_key(spec, "model");
  // A model without a type is BPE in the oldest files.
  const std::string type = described.contains("type") ? component_type(described) : "BPE";
  if (type != "BPE") refuse_component("model", Json{{"type", type}});
  const auto part = [&](const char* key) { return spec.contains(key) ? spec.at(key) : Json(); };
  normalizer = make_normalizer(part("normalizer"));
  pre_tokenizer = make_pre_tokenizer(part("pre_tokenizer"));
  post_processor = make_post_processor(part("post_processor"));
  decoder = make_decoder(part("decoder"));
  model = std::make_unique<Bpe>(described);
  added = AddedTokens(part("added_tokens"), normalizer);
}

bool Tokenizer::Pipeline::left_out_in_decoding(int id) const {
  if (sentencepiece) return sentencepiece->is_special(id);
  const AddedToken* token = added.find(id);
  return token != nullptr && added.is_special(id) && token->piece == token->content;
}

void Tokenizer::Pipeline::encode_piece(NormalizedText piece, std::vector<Token>& tokens) const {
  std::vector<NormalizedText> pieces;
  if (pre_tokenizer) {
    pieces = pre_tokenizer(std::move(piece));
  } else {
    pieces.push_back(std::move(piece));
  }
  for (const NormalizedText& word : pieces) {
    std::size_t at = 0;
    for (const Bpe::Piece& found : model->encode(word.text())) {
      const auto [begin, end] = word.original(at, at + found.bytes);
      tokens.push_back({found.id, begin, end, model->token(found.id)});
      at += found.bytes;
    }
  }
}

std::vector<Token> Tokenizer::Pipeline::encode(std::string_view text, bool add_special) const {
  if (sentencepiece) return sentencepiece->encode(text, add_special);
  std::vector<Token> tokens;
  for (AddedTokens::Piece& piece : added.extract(text, normalizer)) {
    if (piece.token < 0) {
      encode_piece(std::move(piece.text), tokens);
      continue;
    }
    const auto [begin, end] = piece.text.original(0, piece.text.text().size());
    tokens.push_back({piece.token, begin, end, piece.text.text()});
  }
  if (post_processor) post_processor(tokens, text, add_special);
  return tokens;
}

Tokenizer::Tokenizer(std::unique_ptr<Pipeline> pipeline) : pipeline_(std::move(pipeline)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::load(const std::filesystem::path& folder) {
  const auto read_if_there = [&](const char* name) {
    return std::filesystem::exists(folder / name) ? read_json(folder / name) : Json();
  };
  const Json settings = read_if_there("tokenizer_config.json");
  auto pipeline = std::make_unique<Pipeline>();
  pipeline->eos = special_token_content(settings, "eos_token");
  if (pipeline->eos.empty())
    pipeline->eos = special_token_content(read_if_there("special_tokens_map.json"), "eos_token");
  if (std::filesystem::exists(folder / "tokenizer.json")) {
    pipeline->read(read_json(folder / "tokenizer.json"));
  } else if (std::filesystem::exists(folder / "vocab.json") && std::filesystem::exists(folder / "merges.txt")) {
    const Json config = read_if_there("config.json");
    pipeline->read(tokenizer_of_gpt2_files(folder, settings, config));
    const bool opt = config.is_object() && config.value("model_type", Json()) == "opt";
    if (pipeline->eos.empty()) pipeline->eos = opt ? "</s>" : "<|endoftext|>";
  } else if (std::filesystem::exists(folder / "tokenizer.model")) {
    const Json flags = settings.is_object() ? settings : Json::object();
    pipeline->sentencepiece =
        std::make_unique<SentencePieceModel>(folder / "tokenizer.model", component_flag(flags, "add_bos_token", true),
                                             component_flag(flags, "add_eos_token", false));
    if (pipeline->eos.empty()) pipeline->eos = "</s>";
  } else {
    throw bad_input("cannot load the tokenizer of " + folder.string())
        .wanted("tokenizer.json, or vocab.json and merges.txt, or tokenizer.model")
        .found(std::filesystem::is_directory(folder) ? "none of them" : "no such folder");
  }
  return Tokenizer(std::move(pipeline));
}

Encoding Tokenizer::encode(std::string_view text, bool add_special) const {
  const std::string clean = valid_utf8(text);
  Encoding encoding;
  for (const Token& token : pipeline_->encode(clean, add_special)) {
    encoding.ids.push_back(token.id);
    encoding.offsets.emplace_back(token.begin, token.end);
  }
  return encoding;
}

std::string Tokenizer::decode(std::span<const int> ids, bool skip_special) const {
  std::vector<int> kept;
  for (const int id : ids) {
    if (id < 0 || id >= size()) continue;  // a padded vocabulary's ids stand for nothing
    if (!(skip_special && pipeline_->left_out_in_decoding(id))) kept.push_back(id);
  }
  if (pipeline_->sentencepiece) return pipeline_->sentencepiece->decode(kept);
  std::vector<std::string> pieces;
  for (const int id : kept) pieces.push_back(token(id));
  if (pipeline_->decoder) {
    pieces = pipeline_->decoder(std::move(pieces));
    std::string text;
    for (const std::string& piece : pieces) text += piece;
    return text;
  }
  std::string text;
  for (std::size_t i = 0; i < pieces.size(); ++i) text += (i > 0 ? " " : "") + pieces[i];
  return text;
}

std::string Tokenizer::token(int id) const {
  if (id < 0 || id >= size()) {
    throw bad_input("cannot name a token").wanted("an id below " + std::to_string(size())).found(std::to_string(id));
  }
  if (pipeline_->sentencepiece) return pipeline_->sentencepiece->token(id);
  const AddedToken* added = pipeline_->added.find(id);
  return added != nullptr ? added->piece : pipeline_->model->token(id);
}

std::optional<int> Tokenizer::id(std::string_view token) const {
  if (pipeline_->sentencepiece) {
    const int id = pipeline_->sentencepiece->id(token);
    return id < 0 ? std::nullopt : std::optional<int>(id);
  }
  const auto added = pipeline_->added.id(token);
  return added ? added : pipeline_->model->id(token);
}

int Tokenizer::size() const {
  if (pipeline_->sentencepiece) return pipeline_->sentencepiece->size();
  return std::max(pipeline_->model->size(), pipeline_->added.highest_id() + 1);
}

bool Tokenizer::is_special(int id) const {
  return pipeline_->sentencepiece ? pipeline_->sentencepiece->is_special(id) : pipeline_->added.is_special(id);
}

std::optional<int> Tokenizer::eos() const {
  if (pipeline_->eos.empty()) return std::nullopt;
  return id(pipeline_->eos);
}

}  // namespace lethe
