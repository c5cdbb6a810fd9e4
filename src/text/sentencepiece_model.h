// tokenizer.model alone: the SentencePiece library, with the special tokens that LlamaTokenizer adds.
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
  SentencePieceModel(const std::filesystem::path& file, bool add_bos, bool add_eos);
  ~SentencePieceModel();

  std::vector<Token> encode(std::string_view text, bool add_special) const;
  std::string decode(std::span<const int> ids) const;
  std::string token(int id) const;
  /// -1 for a piece that is not in the vocabulary
  int id(std::string_view token) const;
  int size() const;
  bool is_special(int id) const;

 private:
  struct Library;
  std::unique_ptr<Library> library_;
  bool add_bos_, add_eos_;
};

}  // namespace lethe
