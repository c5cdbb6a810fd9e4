// A small tokenizer.json, for tests of hostile files.
#pragma once

#include "core/files.h"
#include "core/json.h"
#include "folder_test.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

class MadeTokenizerTest : public FolderTest {
 protected:
  /// A vocabulary of two words, and these parts of tokenizer.json in addition or instead.
  Tokenizer with(const Json& parts) {
    Json spec = {{"model", {{"type", "WordLevel"}, {"vocab", {{"a", 0}, {"<unk>", 1}}}, {"unk_token", "<unk>"}}}};
    spec.update(parts);
    write_file(folder_ / "tokenizer.json", dump_json(spec));
    return Tokenizer::load(folder_);
  }
};

}  // namespace lethe
