// Runs tokenizer.model or spm.model with the SentencePiece library.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizers/components.h"

namespace lethe {

class SentencePieceModel {
 public:
  /// @throws Error (bad input) if the file is missing or is not a SentencePiece model
  explicit SentencePieceModel(const std::filesystem::path& file);
  ~SentencePieceModel();

  /// Without special tokens. @param continues  the text follows another token, so the model adds no space before it
  std::vector<Token> encode(std::string_view text, bool continues = false) const;
  /// The special tokens that LlamaTokenizer adds around each text; -1: none.
  static PostProcessor begin_and_end(int bos, int eos);
  /// @param continues  the text follows another token, so a space at its beginning is kept
  std::string decode(std::span<const int> ids, bool continues = false) const;
  std::string token(int id) const;
  /// -1 for a piece that is not in the vocabulary
  int id(std::string_view token) const;
  int size() const;
  bool is_special(int id) const;
  /// -1 if the model has none.
  int unknown_id() const;
  int begin_id() const;
  int end_id() const;

 private:
  struct Library;
  const Library& library(bool continues) const;
  std::unique_ptr<Library> library_;
};

}  // namespace lethe
