#include "text/sentencepiece_model.h"

#include <sentencepiece_processor.h>

#include "core/error.h"
#include "core/files.h"
#include "text/sentencepiece_check.h"

namespace lethe {

struct SentencePieceModel::Library {
  sentencepiece::SentencePieceProcessor processor;
};

SentencePieceModel::SentencePieceModel(const std::filesystem::path& file) : library_(std::make_unique<Library>()) {
  const std::string bytes = read_file(file);
  std::string problem = sentencepiece_problem(bytes);
  if (problem.empty()) {
    try {
      const auto status = library_->processor.LoadFromSerializedProto(bytes);
      if (!status.ok()) problem = status.ToString();
    } catch (const std::exception& thrown) {  // of the library's trie
      problem = thrown.what();
    }
  }
  if (!problem.empty())
    throw bad_input("cannot load " + file.string()).wanted("a SentencePiece model").found(excerpt(problem, 200));
}

SentencePieceModel::~SentencePieceModel() = default;

std::vector<Token> SentencePieceModel::encode(std::string_view text) const {
  std::vector<Token> tokens;
  sentencepiece::ImmutableSentencePieceText found;
  const auto status = library_->processor.Encode(absl::string_view(text.data(), text.size()), found.mutable_proto());
  if (!status.ok())
    throw bad_input("cannot tokenize").with("text", excerpt(text)).found(excerpt(status.ToString(), 200));
  for (int i = 0; i < static_cast<int>(found.pieces_size()); ++i) {
    const auto piece = found.pieces(i);
    tokens.push_back({static_cast<int>(piece.id()), piece.begin(), piece.end(), 0, ""});
  }
  return tokens;
}

PostProcessor SentencePieceModel::begin_and_end(bool add_bos, bool add_eos) const {
  const int bos = add_bos ? library_->processor.bos_id() : -1, eos = add_eos ? library_->processor.eos_id() : -1;
  return [bos, eos](std::vector<TokenList>& lists, bool add_special) {
    for (std::size_t i = 0; i < lists.size() && add_special; ++i) {
      Tokens& tokens = lists[i].tokens;
      const int type = static_cast<int>(i);
      if (bos >= 0) tokens.insert(tokens.begin(), {bos, 0, 0, type, ""});
      if (eos >= 0) tokens.push_back({eos, 0, 0, type, ""});
    }
  };
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
