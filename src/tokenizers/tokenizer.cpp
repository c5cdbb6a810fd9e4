#include "tokenizers/tokenizer.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>

#include "core/error.h"
#include "core/json.h"
#include "tokenizers/added_tokens.h"
#include "tokenizers/bert_files.h"
#include "tokenizers/components.h"
#include "tokenizers/gpt2_files.h"
#include "tokenizers/sentencepiece_model.h"
#include "tokenizers/token_model.h"

namespace lethe {

// Text → added tokens | normalizer → pre-tokenizer → model → post-processor; or added tokens, then the SentencePiece
// library.
struct Tokenizer::Pipeline {
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  PostProcessor post_processor;
  Decoder decoder;
  AddedTokens added;
  std::unique_ptr<TokenModel> model;
  std::unique_ptr<SentencePieceModel> sentencepiece;
  std::string eos;
  std::optional<std::size_t> max_length;
  bool cuts_front = false;
  bool spaces_each_piece = false;  ///< SentencePiece: also add a space to texts after special tokens

  Encoding encode(std::span<const std::string_view> texts, const EncodeOptions& options,
                  std::size_t max_tokens = 0) const;
  std::size_t specials(std::size_t texts) const;
  Tokens encode_pieces(std::vector<AddedTokens::Piece>& pieces) const;
  Tokens encode_sentencepiece(std::string_view text, std::span<const ByteRange> plain) const;
  std::string decode_sentencepiece(std::span<const int> ids) const;
  void read(const Json& spec);
  void read_sentencepiece(const std::filesystem::path& file, const SideFiles& files);
  bool left_out_in_decoding(int id) const;
};

void Tokenizer::Pipeline::read(const Json& spec) {
  const auto part = [&](const char* key) { return spec.contains(key) ? spec.at(key) : Json(); };
  model = make_token_model(component_key(spec, "model"));
  normalizer = make_normalizer(part("normalizer"));
  pre_tokenizer = make_pre_tokenizer(part("pre_tokenizer"));
  post_processor = make_post_processor(part("post_processor"));
  decoder = make_decoder(part("decoder"));
  added = AddedTokens(part("added_tokens"), model->vocabulary(), normalizer);
}

bool Tokenizer::Pipeline::left_out_in_decoding(int id) const {
  if (sentencepiece && sentencepiece->is_special(id)) return true;
  const AddedToken* token = added.find(id);
  return token != nullptr && added.is_special(id) && token->piece == token->content;
}

// Reads tokenizer.model and its side files like LlamaTokenizer of transformers 5.23.
void Tokenizer::Pipeline::read_sentencepiece(const std::filesystem::path& file, const SideFiles& files) {
  sentencepiece = std::make_unique<SentencePieceModel>(file);
  const SentencePieceModel& pieces = *sentencepiece;
  const auto piece = [&](int id) { return id < 0 ? std::optional<std::string>() : pieces.token(id); };
  const SpecialDefaults special = {{"unk_token", piece(pieces.unknown_id())},
                                   {"bos_token", piece(pieces.begin_id())},
                                   {"eos_token", piece(pieces.end_id())}};
  SideFiles heeded = files;
  heeded.settings.erase("additional_special_tokens");  // transformers ignores special_tokens_map.json's here
  Json tokens = added_tokens_of(heeded, special);
  Vocabulary vocabulary;
  vocabulary.reserve(static_cast<std::size_t>(pieces.size()));
  for (int id = 0; id < pieces.size(); ++id) {
    vocabulary.add(pieces.token(id), id);
    if (pieces.is_special(id))
      tokens.push_back({{"content", pieces.token(id)}, {"special", true}, {"normalized", false}});
  }
  added = AddedTokens(tokens, vocabulary, {});
  const std::string end = special_token_content(files, special, "eos_token");
  if (eos.empty()) eos = end.empty() ? "</s>" : end;
  spaces_each_piece = component_flag(files.settings, "legacy", false);
  // transformers adds <s> only if the settings ask for it; a model without settings is LLaMA's own.
  const bool bare = !files.settings.contains("tokenizer_class");
  const auto id_of = [&](const char* key, bool wanted) {
    return wanted ? added.id(special_token_content(files, special, key)).value_or(-1) : -1;
  };
  post_processor =
      SentencePieceModel::begin_and_end(id_of("bos_token", component_flag(files.settings, "add_bos_token", bare)),
                                        id_of("eos_token", component_flag(files.settings, "add_eos_token", false)));
}

Tokens Tokenizer::Pipeline::encode_sentencepiece(std::string_view text, std::span<const ByteRange> plain) const {
  Tokens tokens;
  for (const AddedTokens::Piece& piece : added.extract(text, {}, plain)) {
    const std::string& part = piece.text.text();
    const auto [from, to] = piece.text.original(0, part.size());
    const auto begin = static_cast<std::uint32_t>(from), end = static_cast<std::uint32_t>(to);
    if (piece.token >= 0) {
      tokens.push_back({piece.token, begin, end, 0, ""});
      continue;
    }
    for (Token token : sentencepiece->encode(part, begin > 0 && !spaces_each_piece)) {
      token.begin += begin;
      token.end += begin;
      tokens.push_back(token);
    }
  }
  return tokens;
}

std::string Tokenizer::Pipeline::decode_sentencepiece(std::span<const int> ids) const {
  std::string text;
  for (std::size_t at = 0; at < ids.size();) {
    if (const AddedToken* token = added.find(ids[at])) {
      text += token->content;
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < ids.size() && added.find(ids[at]) == nullptr) ++at;
    text += sentencepiece->decode(ids.subspan(begin, at - begin), begin > 0);
  }
  return text;
}

Tokens Tokenizer::Pipeline::encode_pieces(std::vector<AddedTokens::Piece>& pieces) const {
  Tokens tokens;
  std::vector<ModelToken> found;
  std::size_t before = 0, after = 0;  // bytes before and after the pre-tokenizer
  for (AddedTokens::Piece& piece : pieces) {
    const auto put = [&](const NormalizedText& text, std::size_t begin, std::size_t end, int id,
                         std::string_view name) {
      const auto [from, to] = text.original(begin, end);
      tokens.push_back({id, static_cast<std::uint32_t>(from), static_cast<std::uint32_t>(to), 0, name});
    };
    const std::size_t size = piece.text.text().size();
    if (piece.token >= 0) {
      put(piece.text, 0, size, piece.token, piece.text.text());
      continue;
    }
    CutText cut{std::move(piece.text), {{0, size}}};
    if (pre_tokenizer) pre_tokenizer(cut);
    before += size;
    after += cut.text.text().size();
    if (after > most_bytes_made_of(before))
      throw bad_input("cannot tokenize: the pre-tokenizer makes too much of a text");
    piece.text = std::move(cut.text);  // tokens may refer to parts of it
    const std::string_view text = piece.text.text();
    for (const auto& [begin, end] : cut.pieces) {
      found.clear();
      model->encode(text.substr(begin, end - begin), found);
      for (const ModelToken& token : found)
        put(piece.text, begin + token.begin, begin + token.end, token.id, token.text);
    }
  }
  return tokens;
}

// The number of tokens that the post-processor adds to this many texts.
std::size_t Tokenizer::Pipeline::specials(std::size_t texts) const {
  std::vector<TokenList> lists(texts);
  if (post_processor) post_processor(lists, true);
  std::size_t count = 0;
  for (const TokenList& list : lists) count += list.tokens.size();
  return count;
}

namespace {

// How many tokens of one or two texts are kept, `room` in all. Source: "longest first" of the tokenizers library. The
// longer text gets what the shorter one leaves, or each gets half; the shorter or first text gets the smaller half.
std::vector<std::size_t> kept(const std::vector<TokenList>& lists, std::size_t room) {
  if (lists.size() == 1) return {std::min(room, lists[0].tokens.size())};
  std::size_t shorter = lists[0].tokens.size(), longer = lists[1].tokens.size();
  const bool swapped = shorter > longer;
  if (swapped) std::swap(shorter, longer);
  if (shorter + longer > room) {
    longer = shorter > room ? shorter : std::max(shorter, room - shorter);
    if (shorter + longer > room) {
      shorter = room / 2;
      longer = shorter + room % 2;
    }
  }
  if (swapped) std::swap(shorter, longer);
  return {shorter, longer};
}

}  // namespace

Encoding Tokenizer::Pipeline::encode(std::span<const std::string_view> texts, const EncodeOptions& options,
                                     std::size_t max_tokens) const {
  std::vector<TokenList> lists(texts.size());
  std::vector<std::vector<AddedTokens::Piece>> pieces(texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    lists[i].text = texts[i];
    if (sentencepiece) {
      lists[i].tokens = encode_sentencepiece(texts[i], options.plain);
    } else {
      pieces[i] = added.extract(texts[i], normalizer, options.plain);
      lists[i].tokens = encode_pieces(pieces[i]);
    }
    for (Token& token : lists[i].tokens) token.type = static_cast<int>(i);
  }
  if (max_tokens > 0) {
    const std::size_t added = options.add_special ? specials(lists.size()) : 0;
    const std::vector<std::size_t> counts = kept(lists, max_tokens - std::min(added, max_tokens));
    for (std::size_t i = 0; i < lists.size(); ++i) {
      Tokens& tokens = lists[i].tokens;
      const std::size_t beyond = tokens.size() - counts[i];
      if (cuts_front) tokens.erase(tokens.begin(), tokens.begin() + static_cast<std::ptrdiff_t>(beyond));
      tokens.resize(counts[i]);
    }
  }
  if (post_processor) post_processor(lists, options.add_special);
  Encoding encoding;
  std::size_t count = 0;
  for (const TokenList& list : lists) count += list.tokens.size();
  encoding.ids.reserve(count);
  encoding.offsets.reserve(count);
  encoding.types.reserve(count);
  for (const TokenList& list : lists) {
    for (const Token& token : list.tokens) {
      encoding.ids.push_back(token.id);
      encoding.offsets.emplace_back(token.begin, token.end);
      encoding.types.push_back(token.type);
    }
  }
  return encoding;
}

Tokenizer::Tokenizer(std::unique_ptr<Pipeline> pipeline) : pipeline_(std::move(pipeline)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Tokenizer Tokenizer::load(const std::filesystem::path& folder) {
  const auto read_if_there = [&](const char* name) {
    return std::filesystem::exists(folder / name) ? read_json(folder / name) : Json();
  };
  const bool whole = std::filesystem::exists(folder / "tokenizer.json");
  const SideFiles files = whole ? SideFiles{read_if_there("tokenizer_config.json"), {}, ""} : read_side_files(folder);
  const Json& settings = files.settings;
  auto pipeline = std::make_unique<Pipeline>();
  pipeline->eos = special_token_content(settings, "eos_token");
  if (pipeline->eos.empty())
    pipeline->eos = special_token_content(read_if_there("special_tokens_map.json"), "eos_token");
  if (whole) {
    pipeline->read(read_json(folder / "tokenizer.json"));
  } else if (std::filesystem::exists(folder / "vocab.json") && std::filesystem::exists(folder / "merges.txt")) {
    const Json config = read_if_there("config.json");
    pipeline->read(tokenizer_of_gpt2_files(folder, files, config));
    if (pipeline->eos.empty()) pipeline->eos = end_of_gpt2_files(folder, files, config);
  } else if (std::filesystem::exists(folder / "tokenizer.model")) {
    pipeline->read_sentencepiece(folder / "tokenizer.model", files);
  } else if (std::filesystem::exists(folder / "vocab.txt")) {
    pipeline->read(tokenizer_of_bert_files(folder, files));
  } else if (std::filesystem::exists(folder / "spm.model")) {  // pieces with BERT's layout
    pipeline->sentencepiece = std::make_unique<SentencePieceModel>(folder / "spm.model");
    const auto special = [&](const char* name) {
      const int id = pipeline->sentencepiece->id(name);
      if (id < 0) {
        throw bad_input("cannot load the tokenizer of " + folder.string())
            .wanted(std::string(name) + " in spm.model")
            .found("no such piece");
      }
      return Json::array({name, static_cast<std::uint64_t>(id)});
    };
    pipeline->post_processor =
        make_post_processor({{"type", "BertProcessing"}, {"cls", special("[CLS]")}, {"sep", special("[SEP]")}});
  } else {
    throw bad_input("cannot load the tokenizer of " + folder.string())
        .wanted("tokenizer.json, or vocab.json and merges.txt, or tokenizer.model, or vocab.txt, or spm.model")
        .found(std::filesystem::is_directory(folder) ? "none of them" : "no such folder");
  }
  if (settings.is_object()) {
    const Json length = settings.value("model_max_length", Json()), side = settings.value("truncation_side", Json());
    // A huge number means no limit.
    if (length.is_number_unsigned() && length.get<std::uint64_t>() > 0 && length.get<std::uint64_t>() < 100'000'000)
      pipeline->max_length = length.get<std::size_t>();
    pipeline->cuts_front = side == "left";
  }
  return Tokenizer(std::move(pipeline));
}

namespace {

std::string fit_to_encode(std::string_view text) {
  if (text.size() > std::numeric_limits<std::uint32_t>::max() / 8) {
    throw bad_input("cannot tokenize a text").wanted("at most 512 MB").found(with_commas(text.size()) + " bytes");
  }
  return valid_utf8(text);
}

}  // namespace

bool Tokenizer::finds_special() const {
  return pipeline_->sentencepiece == nullptr || pipeline_->added.highest_id() >= 0;
}

Encoding Tokenizer::encode(std::string_view text, bool add_special) const {
  return encode(text, EncodeOptions{.add_special = add_special});
}

Encoding Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  const std::string clean = fit_to_encode(text);
  const std::string_view texts[] = {clean};
  return pipeline_->encode(texts, options);
}

Encoding Tokenizer::encode_pair(std::string_view first, std::string_view second, bool add_special) const {
  const std::string clean[] = {fit_to_encode(first), fit_to_encode(second)};
  const std::string_view texts[] = {clean[0], clean[1]};
  return pipeline_->encode(texts, EncodeOptions{.add_special = add_special});
}

Encoding Tokenizer::encode_within(std::string_view text, std::size_t max_tokens) const {
  const std::string clean = fit_to_encode(text);
  const std::string_view texts[] = {clean};
  return pipeline_->encode(texts, {}, max_tokens);
}

Encoding Tokenizer::encode_within(std::string_view first, std::string_view second, std::size_t max_tokens) const {
  const std::string clean[] = {fit_to_encode(first), fit_to_encode(second)};
  const std::string_view texts[] = {clean[0], clean[1]};
  return pipeline_->encode(texts, {}, max_tokens);
}

std::vector<Encoding> Tokenizer::encode_all(std::span<const std::string> texts, bool add_special, int threads) const {
  std::vector<Encoding> encodings(texts.size());
  std::atomic<std::size_t> next{0};
  std::mutex guard;
  std::exception_ptr failure;
  const auto work = [&] {
    for (std::size_t i; (i = next.fetch_add(1)) < texts.size();) {
      try {
        encodings[i] = encode(texts[i], add_special);
      } catch (...) {
        const std::scoped_lock lock(guard);
        if (!failure) failure = std::current_exception();
        next = texts.size();
      }
    }
  };
  const std::size_t wanted = threads > 0 ? static_cast<std::size_t>(threads) : std::thread::hardware_concurrency();
  std::vector<std::jthread> others;
  for (std::size_t i = 1; i < std::min(wanted, texts.size()); ++i) others.emplace_back(work);
  work();
  others.clear();
  if (failure) std::rethrow_exception(failure);
  return encodings;
}

std::string Tokenizer::decode(std::span<const int> ids, bool skip_special) const {
  std::vector<int> kept;
  for (const int id : ids) {
    if (id < 0 || id >= size()) continue;  // a padded vocabulary's ids have no tokens
    if (!(skip_special && pipeline_->left_out_in_decoding(id))) kept.push_back(id);
  }
  if (pipeline_->sentencepiece) return pipeline_->decode_sentencepiece(kept);
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
  if (const AddedToken* added = pipeline_->added.find(id)) return added->piece;
  return pipeline_->sentencepiece ? pipeline_->sentencepiece->token(id) : pipeline_->model->vocabulary().token(id);
}

std::optional<int> Tokenizer::id(std::string_view token) const {
  if (const auto added = pipeline_->added.id(token)) return added;
  if (!pipeline_->sentencepiece) return pipeline_->model->vocabulary().id(token);
  const int id = pipeline_->sentencepiece->id(token);
  return id < 0 ? std::nullopt : std::optional<int>(id);
}

int Tokenizer::size() const {
  const int pieces =
      pipeline_->sentencepiece ? pipeline_->sentencepiece->size() : pipeline_->model->vocabulary().size();
  return std::max(pieces, pipeline_->added.highest_id() + 1);
}

bool Tokenizer::is_special(int id) const {
  return pipeline_->added.is_special(id) || (pipeline_->sentencepiece && pipeline_->sentencepiece->is_special(id));
}

std::optional<int> Tokenizer::eos() const {
  if (pipeline_->eos.empty()) return std::nullopt;
  return id(pipeline_->eos);
}

std::optional<std::size_t> Tokenizer::max_length() const {
  return pipeline_->max_length;
}

}  // namespace lethe
