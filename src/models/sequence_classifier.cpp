#include "models/sequence_classifier.h"

#include <c10/core/GradMode.h>

#include <algorithm>

#include "architectures/config_reader.h"
#include "core/error.h"
#include "models/encoder_loading.h"

namespace lethe {
namespace {

constexpr std::int64_t kMostLabels = 100'000;

std::vector<std::string> read_labels(ConfigReader& config) {
  const Json& names = config.raw("id2label");
  std::vector<std::string> labels;
  if (names.is_null()) {
    const bool score = config.raw("model_type") == "bleurt";
    const std::int64_t count = config.count("num_labels", score ? 1 : 2, kMostLabels);
    for (std::int64_t i = 0; i < count; ++i) labels.push_back("LABEL_" + std::to_string(i));
    return labels;
  }
  if (!names.is_object() || names.empty()) config.refuse("id2label", "labels by their number");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto name = names.find(std::to_string(i));
    if (name == names.end() || !name->is_string()) config.refuse("id2label", "labels by their numbers 0, 1, …");
    labels.push_back(name->get<std::string>());
  }
  return labels;
}

Problem read_problem(ConfigReader& config, std::size_t labels) {
  const std::string type = config.text("problem_type", labels == 1 ? "regression" : "single_label_classification");
  if (type == "regression") return Problem::regression;
  if (type == "single_label_classification") return Problem::single_label;
  if (type == "multi_label_classification") return Problem::multi_label;
  config.refuse("problem_type", "regression, single_label_classification or multi_label_classification");
}

std::variant<Encoder, CausalLM> load_body(const Checkpoint& checkpoint, const LoadOptions& options) {
  if (is_encoder(checkpoint.config())) return load_encoder(checkpoint, options);
  DecoderSpec spec = decoder_spec(checkpoint.config(), (checkpoint.folder() / "config.json").string());
  spec.names.head.clear();  // no logits over the vocabulary
  spec.tied_head = false;
  spec.names.ignored.push_back("score.weight");
  return load_model(checkpoint, std::move(spec), options);
}

}  // namespace

std::vector<std::size_t> batch_ends(std::span<const TypedRow> rows, std::int64_t batch_tokens) {
  std::vector<std::size_t> ends;
  std::int64_t tokens = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto own = static_cast<std::int64_t>(rows[i].ids.size());
    if (i > 0 && tokens + own > batch_tokens) {
      ends.push_back(i);
      tokens = 0;
    }
    tokens += own;
  }
  if (!rows.empty()) ends.push_back(rows.size());
  return ends;
}

SequenceClassifier SequenceClassifier::load(const Checkpoint& checkpoint, const LoadOptions& options) {
  return SequenceClassifier(load_body(checkpoint, options), checkpoint, options);
}

SequenceClassifier::SequenceClassifier(std::variant<Encoder, CausalLM> body, const Checkpoint& checkpoint,
                                       const LoadOptions& options)
    : body_(std::move(body)) {
  ConfigReader config(checkpoint.config(), (checkpoint.folder() / "config.json").string());
  labels_ = read_labels(config);
  problem_ = read_problem(config, labels_.size());
  const std::vector<int> padding = config.ids("pad_token_id");
  if (!padding.empty()) padding_ = padding.front();
  const auto count = static_cast<std::int64_t>(labels_.size());
  const auto linear = [&](const std::string& name, std::int64_t out, std::int64_t in, bool bias) {
    Linear loaded;
    loaded.weight = load_weight(checkpoint, name + ".weight", {out, in}, options);
    if (bias) loaded.bias = load_weight(checkpoint, name + ".bias", {out}, options);
    return loaded;
  };
  if (const auto* decoder = std::get_if<CausalLM>(&body_)) {
    head_ = linear("score", count, decoder->spec().embedding_size, false);
    return;
  }
  const Encoder& encoder = std::get<Encoder>(body_);
  const std::int64_t width = encoder.spec().hidden_size;
  if (encoder.spec().classifier_dense) {
    dense_ = linear("classifier.dense", width, width, true);
    head_ = linear("classifier.out_proj", count, width, true);
  } else {
    head_ = linear("classifier", count, width, true);
  }
}

std::int64_t SequenceClassifier::max_tokens() const {
  if (const auto* decoder = std::get_if<CausalLM>(&body_)) return decoder->spec().max_positions;
  return std::get<Encoder>(body_).spec().max_tokens();
}

bool SequenceClassifier::uses_types() const {
  const auto* encoder = std::get_if<Encoder>(&body_);
  return encoder != nullptr && encoder->spec().types > 1;
}

at::Tensor SequenceClassifier::pack_logits(std::span<const TypedRow> rows) const {
  const AdapterMode plain{.on = false};
  if (const auto* encoder = std::get_if<Encoder>(&body_)) {
    const EncoderBatch batch = pack_rows(rows, encoder->device());
    const at::Tensor hidden = encoder->hidden(batch);
    if (!encoder->spec().classifier_dense) return head_.forward(encoder->pooled(hidden, batch), plain);
    return head_.forward(at::tanh(dense_.forward(Encoder::first_tokens(hidden, batch), plain)), plain);
  }
  const CausalLM& decoder = std::get<CausalLM>(body_);
  PackBuilder pack;
  std::vector<std::int64_t> last;
  for (const TypedRow& row : rows) {
    if (const int highest = *std::max_element(row.ids.begin(), row.ids.end()); highest >= decoder.spec().vocabulary) {
      throw bad_input("cannot classify token " + std::to_string(highest))
          .wanted("an id below vocab_size " + std::to_string(decoder.spec().vocabulary))
          .with("likely", "the tokenizer belongs to another model");
    }
    std::size_t end = row.ids.size();
    while (padding_ && end > 0 && row.ids[end - 1] == *padding_) --end;
    last.push_back(pack.tokens() + static_cast<std::int64_t>(end == 0 ? 0 : end - 1));
    pack.add(row.ids);
  }
  const at::Tensor hidden = decoder.hidden(pack.build(decoder.device()));
  return head_.forward(hidden.index_select(0, at::tensor(last, at::kLong).to(hidden.device())), plain);
}

at::Tensor SequenceClassifier::logits(std::span<const TypedRow> rows, std::int64_t batch_tokens,
                                      const std::function<void(std::size_t)>& progress) const {
  const at::NoGradGuard no_gradients;
  const std::int64_t most = max_tokens();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto tokens = static_cast<std::int64_t>(rows[i].ids.size());
    if (tokens >= 1 && (most == 0 || tokens <= most)) continue;
    throw bad_input("cannot classify row " + std::to_string(i + 1))
        .wanted(most == 0 ? "at least one token" : "1 to " + std::to_string(most) + " tokens")
        .found(std::to_string(tokens));
  }
  std::vector<at::Tensor> parts;
  std::size_t begin = 0;
  for (const std::size_t end : batch_ends(rows, batch_tokens)) {
    const at::Tensor part = pack_logits(rows.subspan(begin, end - begin));
    parts.push_back(part.to(at::kCPU, at::promote_types(part.scalar_type(), at::kFloat)));
    begin = end;
    if (progress) progress(end);
  }
  return parts.empty() ? at::empty({0, static_cast<std::int64_t>(labels_.size())}) : at::cat(parts);
}

at::Tensor SequenceClassifier::probabilities(const at::Tensor& logits) const {
  if (problem_ == Problem::regression) return logits;
  return problem_ == Problem::multi_label ? at::sigmoid(logits) : at::softmax(logits, -1);
}

}  // namespace lethe
