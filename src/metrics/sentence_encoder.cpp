#include "metrics/sentence_encoder.h"

#include <c10/core/GradMode.h>

#include <algorithm>
#include <array>
#include <map>

#include "architectures/config_reader.h"
#include "core/error.h"
#include "core/json.h"
#include "models/encoder_loading.h"
#include "models/sequence_classifier.h"

namespace lethe {
namespace {

namespace fs = std::filesystem;

Json read_json_if_there(const fs::path& file) {
  return fs::exists(file) ? read_json(file) : Json();
}

// 1_Pooling/config.json: a flag for each mode, or (newer) the name of one.
Pooling read_pooling(const fs::path& file) {
  const Json json = read_json(file);
  ConfigReader config(json, file.string());
  Pooling pooling;
  const std::map<std::string, bool*> ways = {{"cls", &pooling.first_token},
                                             {"max", &pooling.maximum},
                                             {"mean", &pooling.mean},
                                             {"mean_sqrt_len_tokens", &pooling.mean_root}};
  if (const std::string mode = config.text("pooling_mode", ""); !mode.empty()) {
    const auto way = ways.find(mode);
    if (way == ways.end()) config.refuse("pooling_mode", "cls, max, mean or mean_sqrt_len_tokens");
    *way->second = true;
  }
  for (const auto& [key, way] :
       std::initializer_list<std::pair<const char*, bool*>>{{"pooling_mode_cls_token", &pooling.first_token},
                                                            {"pooling_mode_max_tokens", &pooling.maximum},
                                                            {"pooling_mode_mean_tokens", &pooling.mean},
                                                            {"pooling_mode_mean_sqrt_len_tokens", &pooling.mean_root}})
    *way = config.flag(key, *way);
  config.neutral({"word_embedding_dimension", "embedding_dimension"});
  config.only("include_prompt", true);
  config.finish();
  if (!pooling.first_token && !pooling.maximum && !pooling.mean && !pooling.mean_root)
    config.refuse("pooling_mode", "a way to pool");
  return pooling;
}

// "sentence_transformers.models.Pooling" -> "Pooling"
std::string module_kind(const Json& module) {
  if (!module.is_object() || !module.contains("type") || !module["type"].is_string()) return "";
  const std::string type = module["type"].get<std::string>();
  return type.substr(type.rfind('.') + 1);
}

std::string module_path(const Json& module) {
  return module.contains("path") && module["path"].is_string() ? module["path"].get<std::string>() : "";
}

// The prompt that precedes every text by default.
std::string default_prompt(const fs::path& folder) {
  const Json json = read_json_if_there(folder / "config_sentence_transformers.json");
  if (!json.is_object() || !json.contains("default_prompt_name") || !json["default_prompt_name"].is_string()) return "";
  const std::string name = json["default_prompt_name"].get<std::string>();
  const Json prompts = json.contains("prompts") ? json["prompts"] : Json();
  if (!prompts.is_object() || !prompts.contains(name) || !prompts[name].is_string()) {
    throw bad_input("cannot use " + (folder / "config_sentence_transformers.json").string())
        .with("key", "prompts")
        .wanted("the default prompt " + excerpt(name));
  }
  return prompts[name].get<std::string>();
}

}  // namespace

SentenceEncoder::SentenceEncoder(Encoder encoder, Tokenizer tokenizer)
    : encoder_(std::move(encoder)), tokenizer_(std::move(tokenizer)) {
  const auto positions = static_cast<std::size_t>(encoder_.spec().max_tokens());
  max_tokens_ = std::min(positions, tokenizer_.max_length().value_or(positions));
}

SentenceEncoder SentenceEncoder::load(const fs::path& folder, const LoadOptions& options) {
  const Json modules = read_json_if_there(folder / "modules.json");
  const auto refuse = [&](const std::string& wanted, const Json& found) {
    return bad_input("cannot use the sentence encoder " + folder.string())
        .with("file", "modules.json")
        .wanted(wanted)
        .found(excerpt(dump_json(found)));
  };
  if (modules.is_null()) return {load_encoder(Checkpoint(folder), options), Tokenizer::load(folder)};
  if (!modules.is_array() || modules.empty() || module_kind(modules[0]) != "Transformer")
    throw refuse("a list that begins with a Transformer", modules);
  const fs::path body = folder / module_path(modules[0]);
  SentenceEncoder result(load_encoder(Checkpoint(body), options), Tokenizer::load(body));
  const std::string settings_name = (body / "sentence_bert_config.json").string();
  if (const Json settings = read_json_if_there(settings_name); !settings.is_null()) {
    ConfigReader config(settings, settings_name);
    result.max_tokens_ = std::min(
        result.max_tokens_,
        static_cast<std::size_t>(config.size("max_seq_length", static_cast<std::int64_t>(result.max_tokens_))));
    config.only("do_lower_case", false);
  }
  bool pooled = false;
  for (std::size_t i = 1; i < modules.size(); ++i) {
    const std::string kind = module_kind(modules[i]);
    if (kind == "Pooling" && !pooled) {
      result.pooling_ = read_pooling(folder / module_path(modules[i]) / "config.json");
      pooled = true;
    } else if (kind == "Normalize" && pooled) {
      result.normalize_ = true;
    } else {
      throw refuse("Transformer, Pooling and Normalize", modules[i]);
    }
  }
  if (!pooled) throw refuse("a Pooling after the Transformer", modules);
  result.prompt_ = default_prompt(folder);
  return result;
}

at::Tensor SentenceEncoder::pool(const at::Tensor& hidden, const EncoderBatch& batch) const {
  std::vector<at::Tensor> rows;
  for (const Segment& row : batch.pack.segments) {
    const at::Tensor own = hidden.slice(0, row.begin, row.end);
    std::vector<at::Tensor> parts;
    if (pooling_.first_token) parts.push_back(own[0]);
    if (pooling_.maximum) parts.push_back(own.amax(0));
    if (pooling_.mean) parts.push_back(own.mean(0));
    if (pooling_.mean_root) parts.push_back(own.sum(0) / std::sqrt(static_cast<double>(row.size())));
    rows.push_back(at::cat(parts));
  }
  at::Tensor pooled = at::stack(rows);
  pooled = pooled.to(at::promote_types(pooled.scalar_type(), at::kFloat));
  if (normalize_) pooled = pooled / pooled.norm(2, {1}, true).clamp_min(1e-12);
  return pooled.to(at::kCPU);
}

at::Tensor SentenceEncoder::embed(std::span<const std::string> texts,
                                  const std::function<void(std::size_t)>& progress) const {
  const at::NoGradGuard no_gradients;
  std::vector<TypedRow> rows;
  for (const std::string& text : texts)
    rows.push_back(typed_row(tokenizer_.encode_within(prompt_ + text, max_tokens_), encoder_.spec().types > 1));
  std::vector<at::Tensor> parts;
  std::size_t begin = 0;
  for (const std::size_t end : batch_ends(rows, 4096)) {
    const EncoderBatch batch = pack_rows(std::span(rows).subspan(begin, end - begin), encoder_.device());
    parts.push_back(pool(encoder_.hidden(batch), batch));
    begin = end;
    if (progress) progress(end);
  }
  return parts.empty() ? at::empty({0, encoder_.spec().hidden_size}) : at::cat(parts);
}

std::vector<double> SentenceEncoder::best_cosines(std::span<const std::string> candidates,
                                                  std::span<const std::vector<std::string>> references,
                                                  const std::function<void(std::size_t)>& progress) const {
  std::vector<std::string> texts(candidates.begin(), candidates.end());
  for (const auto& of_one : references) texts.insert(texts.end(), of_one.begin(), of_one.end());
  const at::Tensor vectors = embed(texts, [&](std::size_t done) {
                               if (progress && !texts.empty()) progress(done * candidates.size() / texts.size());
                             }).to(at::kDouble);
  const at::Tensor units = vectors / vectors.norm(2, {1}, true).clamp_min(1e-12);
  std::vector<double> best;
  auto next = static_cast<std::int64_t>(candidates.size());
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto end = next + static_cast<std::int64_t>(references[i].size());
    if (end == next) throw Error("internal: a candidate without references");
    best.push_back(at::mv(units.slice(0, next, end), units[static_cast<std::int64_t>(i)]).max().item<double>());
    next = end;
  }
  return best;
}

}  // namespace lethe
