// A tokenizer.json of a few parts, for tests of what strangers make.
#pragma once

#include "core/files.h"
#include "core/json.h"
#include "folder_test.h"
#include "tokenizers/tokenizer.h"

namespace lethe {

class MadeTokenizerTest : public FolderTest {
 protected:
  /// A vocabulary of two words, and these parts of tokenizer.json beside or in place of it.
  Tokenizer with(const Json& parts) {
    Json spec = {{"model", {{"type", "WordLevel"}, {"vocab", {{"a", 0}, {"<unk>", 1}}}, {"unk_token", "<unk>"}}}};
    spec.update(parts);
    write_file(folder_ / "tokenizer.json", dump_json(spec));
    return Tokenizer::load(folder_);
  }
};

}  // namespace lethe
