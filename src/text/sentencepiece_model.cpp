#include "text/sentencepiece_model.h"

#include <sentencepiece_processor.h>

#include "core/error.h"
#include "core/files.h"

namespace lethe {

struct SentencePieceModel::Library {
  sentencepiece::SentencePieceProcessor processor;
};

SentencePieceModel::SentencePieceModel(const std::filesystem::path& file, bool add_bos, bool add_eos)
    : library_(std::make_unique<Library>()), add_bos_(add_bos), add_eos_(add_eos) {
  const auto status = library_->processor.LoadFromSerializedProto(read_file(file));
  if (!status.ok()) {
    throw bad_input("cannot load " + file.string()).wanted("a SentencePiece model").found(excerpt(status.ToString()));
  }
  if (add_bos_ && library_->processor.bos_id() < 0) add_bos_ = false;
  if (add_eos_ && library_->processor.eos_id() < 0) add_eos_ = false;
}

SentencePieceModel::~SentencePieceModel() = default;

std::vector<Token> SentencePieceModel::encode(std::string_view text, bool add_special) const {
  const auto& processor = library_->processor;
  std::vector<Token> tokens;
  if (add_special && add_bos_) tokens.push_back({processor.bos_id(), 0, 0, 0, ""});
  const auto found = processor.EncodeAsImmutableProto(absl::string_view(text.data(), text.size()));
  for (int i = 0; i < static_cast<int>(found.pieces_size()); ++i) {
    const auto piece = found.pieces(i);
    tokens.push_back({static_cast<int>(piece.id()), piece.begin(), piece.end(), 0, ""});
  }
  if (add_special && add_eos_) tokens.push_back({processor.eos_id(), 0, 0, 0, ""});
  return tokens;
}

std::string SentencePieceModel::decode(std::span<const int> ids) const {
  return library_->processor.DecodeIds(std::vector<int>(ids.begin(), ids.end()));
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

bool SentencePieceModel::is_special(int id) const {
  return library_->processor.IsControl(id);
}

}  // namespace lethe
