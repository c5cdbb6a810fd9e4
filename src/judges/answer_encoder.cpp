#include "judges/answer_encoder.h"

#include <algorithm>
#include <unordered_set>

#include "core/file_hash.h"
#include "core/interrupt.h"
#include "formats/checkpoint.h"

namespace lethe {
namespace fs = std::filesystem;
AnswerEncoder::AnswerEncoder(const std::string& name)
    : folder_(fs::absolute(resolve_model_folder(name)).lexically_normal()),
      encoder_(SentenceEncoder::load(folder_)),
      width_(static_cast<std::size_t>(encoder_.embed(std::vector<std::string>{"a"}).size(1))),
      hash_(weights_hash(folder_)),
      settings_hash_(lethe::settings_hash(folder_)) {}

std::vector<std::vector<float>> AnswerEncoder::vectors(std::span<const std::string> texts,
                                                       const JudgeProgress& progress) const {
  constexpr std::size_t kMostKept = 100'000, kAtOnce = 64;  // texts
  if (known_.size() > kMostKept) known_.clear();
  std::unordered_set<std::string> asked;
  std::vector<std::string> unknown;
  for (const std::string& text : texts) {
    if (!known_.contains(text) && asked.insert(text).second) unknown.push_back(text);
  }
  for (std::size_t begin = 0; begin < unknown.size(); begin += kAtOnce) {
    stop_if_interrupted();
    const auto some = std::span(unknown).subspan(begin, std::min(kAtOnce, unknown.size() - begin));
    const at::Tensor rows = encoder_.embed(some).to(at::kDouble);
    const at::Tensor units = (rows / rows.norm(2, {1}, true).clamp_min(1e-12)).to(at::kFloat).contiguous();
    const auto width = static_cast<std::size_t>(units.size(1));
    const auto* values = units.const_data_ptr<float>();
    for (std::size_t i = 0; i < some.size(); ++i) known_[some[i]].assign(values + i * width, values + (i + 1) * width);
    if (progress) progress(texts.size() * (begin + some.size()) / unknown.size());
  }
  std::vector<std::vector<float>> vectors;
  for (const std::string& text : texts) vectors.push_back(known_.at(text));
  return vectors;
}

}  // namespace lethe
