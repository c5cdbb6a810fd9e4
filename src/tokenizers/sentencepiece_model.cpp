#include "tokenizers/sentencepiece_model.h"

#include <sentencepiece_processor.h>

#include <mutex>

#include "core/error.h"
#include "core/files.h"
#include "tokenizers/sentencepiece_check.h"

namespace lethe {

struct SentencePieceModel::Library {
  sentencepiece::SentencePieceProcessor processor;
  /// The same model for texts that continue another one, created on first use.
  std::unique_ptr<Library> continued;
  std::once_flag once;
  std::string bytes;
};

SentencePieceModel::SentencePieceModel(const std::filesystem::path& file) : library_(std::make_unique<Library>()) {
  const std::string bytes = read_file(file);
  check_sentencepiece(bytes, file.string());
  std::string problem;
  try {
    const auto status = library_->processor.LoadFromSerializedProto(bytes);
    if (!status.ok()) problem = status.ToString();
  } catch (const std::exception& thrown) {  // from the library's trie
    problem = thrown.what();
  }
  if (!problem.empty()) throw no_sentencepiece_model(file.string(), problem);
  library_->bytes = bytes;
}

const SentencePieceModel::Library& SentencePieceModel::library(bool continues) const {
  if (!continues) return *library_;
  std::call_once(library_->once, [this] {
    auto made = std::make_unique<Library>();
    // In a protocol buffer, the last value of a repeated field wins: normalizer_spec { add_dummy_prefix: false }.
    const auto status =
        made->processor.LoadFromSerializedProto(library_->bytes + "\x1A\x02\x18" + std::string(1, '\0'));
    if (!status.ok()) throw bad_input("cannot load a SentencePiece model").found(excerpt(status.ToString(), 200));
    library_->continued = std::move(made);
  });
  return *library_->continued;
}

SentencePieceModel::~SentencePieceModel() = default;

std::vector<Token> SentencePieceModel::encode(std::string_view text, bool continues) const {
  std::vector<Token> tokens;
  sentencepiece::ImmutableSentencePieceText found;
  const auto status =
      library(continues).processor.Encode(absl::string_view(text.data(), text.size()), found.mutable_proto());
  if (!status.ok())
    throw bad_input("cannot tokenize").with("text", excerpt(text)).found(excerpt(status.ToString(), 200));
  for (int i = 0; i < static_cast<int>(found.pieces_size()); ++i) {
    const auto piece = found.pieces(i);
    tokens.push_back({static_cast<int>(piece.id()), piece.begin(), piece.end(), 0, ""});
  }
  return tokens;
}

PostProcessor SentencePieceModel::begin_and_end(int bos, int eos) {
  return [bos, eos](std::vector<TokenList>& lists, bool add_special) {
    for (std::size_t i = 0; i < lists.size() && add_special; ++i) {
      Tokens& tokens = lists[i].tokens;
      const int type = static_cast<int>(i);
      if (bos >= 0) tokens.insert(tokens.begin(), {bos, 0, 0, type, ""});
      if (eos >= 0) tokens.push_back({eos, 0, 0, type, ""});
    }
  };
}

std::string SentencePieceModel::decode(std::span<const int> ids, bool continues) const {
  return library(continues).processor.DecodeIds(std::vector<int>(ids.begin(), ids.end()));
}

std::string SentencePieceModel::token(int id) const {
  return library_->processor.IdToPiece(id);
}

int SentencePieceModel::id(std::string_view token) const {
  const int id = library_->processor.PieceToId(absl::string_view(token.data(), token.size()));
  return library_->processor.IdToPiece(id) == token ? id : -1;
}

int SentencePieceModel::size() const {
  return library_->processor.GetPieceSize();
}

int SentencePieceModel::unknown_id() const {
  return library_->processor.unk_id();
}
int SentencePieceModel::begin_id() const {
  return library_->processor.bos_id();
}
int SentencePieceModel::end_id() const {
  return library_->processor.eos_id();
}

bool SentencePieceModel::is_special(int id) const {
  return id >= 0 && id < size() && library_->processor.IsControl(id);
}

}  // namespace lethe
