// tokenizer.model or spm.model alone: the SentencePiece library.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/components.h"

namespace lethe {

class SentencePieceModel {
 public:
  /// @throws Error (bad input) if the file is missing or is no SentencePiece model
  explicit SentencePieceModel(const std::filesystem::path& file);
  ~SentencePieceModel();

  /// Without special tokens.
  std::vector<Token> encode(std::string_view text) const;
  /// The special tokens that LlamaTokenizer adds around each text, where the model has them.
  PostProcessor begin_and_end(bool add_bos, bool add_eos) const;
  std::string decode(std::span<const int> ids) const;
  std::string token(int id) const;
  /// -1 for a piece that is not in the vocabulary
  int id(std::string_view token) const;
  int size() const;
  bool is_special(int id) const;

 private:
  struct Library;
  std::unique_ptr<Library> library_;
};

}  // namespace lethe
