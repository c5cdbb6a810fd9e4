// A .gguf file where a model or an adapter is taken: every command says what it is, and where the original is.
#include <sstream>

#include "cli/program_fixture.h"

namespace lethe {
namespace {

std::string little_endian(std::uint64_t value, std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text += static_cast<char>(value >> 8 * i & 255U);
  return text;
}

std::string gguf_pair(const std::string& key, const std::string& value) {
  return little_endian(key.size(), 8) + key + little_endian(8, 4) + little_endian(value.size(), 8) + value;
}

class Gguf : public FolderTest {};

TEST_F(Gguf, IsNamedByEveryCommandThatTakesAModel) {
  const std::string demo = (fs::path(LETHE_FIXTURES) / ".." / ".." / "assets" / "demo").string();
  write_file(folder_ / "m.gguf", "GGUF" + little_endian(3, 4) + little_endian(0, 8) + little_endian(2, 8) +
                                     gguf_pair("general.architecture", "llama") +
                                     gguf_pair("general.base_model.0.repo_url", "https://huggingface.co/org/name"));
  write_file(folder_ / "r.jsonl", "{\"prompt\": \"a\", \"response\": \"b\"}\n");
  const std::string judged = " --seen R --unseen R --normal R --judge refusal --out O";
  const std::string attacked = " --harmful R --unseen R --normal R --judge refusal --out O";
  const std::vector<std::string> lines = {
      "unlearn --model G --harmful R --normal R --out O",
      "finetune --model G --data R --out O",
      "reproduce --model G --harmful R --normal R --out O",
      "chat --model G",
      "generate --model G --input R --output O",
      "generate --model D --adapter G --input R --output O",
      "score --model G --input R --output O",
      "compare --model G --model D --input R",
      "compare --model D --model G --input R",
      "negate --base G --tuned D --alpha 1 --out O",
      "negate --base D --tuned G --alpha 1 --out O",
      "merge --base G --adapter D --out O",
      "merge --base D --adapter G --out O",
      "vector extract --base G --tuned D --out O",
      "vector extract --base D --tuned G --out O",
      "tokenize --model G hello",
      "inspect G",
      "judge try --judge llama-guard-3:model=G --input R",
      "evaluate --model G" + judged,
      "evaluate --model D --original G" + judged,
      "attack --model G --original D" + attacked,
      "attack --model D --original G" + attacked,
  };
  for (const std::string& line : lines) {
    std::istringstream words(line);
    std::string command;
    for (std::string word; words >> word;) {
      if (word == "G" || word.ends_with("=G")) word = word.substr(0, word.size() - 1) + (folder_ / "m.gguf").string();
      if (word == "D") word = demo;
      if (word == "R") word = (folder_ / "r.jsonl").string();
      if (word == "O") word = (folder_ / "out").string();
      command += word + " ";
    }
    const Outcome outcome = run(command + "< /dev/null");
    expect_all(outcome, 3, {"a GGUF file (llama.cpp's) of architecture llama", "https://huggingface.co/org/name"});
    if (HasFailure()) FAIL() << line;
  }
}

}  // namespace
}  // namespace lethe
