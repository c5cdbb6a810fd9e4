// The families of encoders. They share BERT's body. To add one, write a function here and a line in the table.
#include "architectures/encoder_spec.h"

#include <map>

#include "architectures/config_reader.h"
#include "architectures/families.h"
#include "core/error.h"
#include "core/join.h"

namespace lethe {
namespace {

// Sizes by BERT's names, with transformers' defaults for missing keys.
EncoderSpec bert_body(ConfigReader& config, std::int64_t vocabulary) {
  EncoderSpec spec;
  spec.vocabulary = config.size("vocab_size", vocabulary);
  spec.hidden_size = spec.embedding_size = config.size("hidden_size", 768);
  spec.layers = config.layers("num_hidden_layers", 12);
  spec.heads = config.size("num_attention_heads", 12);
  if (spec.hidden_size % spec.heads != 0) config.refuse("hidden_size", "a multiple of num_attention_heads");
  spec.intermediate_size = config.size("intermediate_size", 3072);
  spec.position_rows = config.size("max_position_embeddings", 512);
  spec.types = config.size("type_vocab_size", 2);
  spec.norm_epsilon = config.epsilon("layer_norm_eps", 1e-12);
  spec.activation = read_activation(config, "hidden_act", "gelu");
  // Dropout, and the tied embeddings of a language modelling head, which is not loaded.
  config.neutral({"hidden_dropout_prob", "attention_probs_dropout_prob", "embedding_dropout_prob",
                  "classifier_dropout_prob", "output_embedding_size", "tie_word_embeddings"});
  return spec;
}

EncoderSpec bert_encoder(ConfigReader& config) {
  EncoderSpec spec = bert_body(config, 30522);
  spec.prefix = "bert.";
  // From BERT's first releases; no code reads them.
  config.neutral({"directionality", "pooler_fc_size", "pooler_num_attention_heads", "pooler_num_fc_layers",
                  "pooler_size_per_head", "pooler_type"});
  return spec;
}

// RoBERTa and XLM-RoBERTa: positions begin after the padding position. transformers derives them from the ids.
EncoderSpec roberta_encoder(ConfigReader& config) {
  EncoderSpec spec = bert_body(config, config.raw("model_type") == "roberta" ? 50265 : 30522);
  spec.prefix = "roberta.";
  const Json& padding = config.raw("pad_token_id");
  const bool usable = padding.is_number_integer() && padding.get<std::int64_t>() >= 0 &&
                      padding.get<std::int64_t>() + 1 < spec.position_rows;
  if (config.has("pad_token_id") && !usable) config.refuse("pad_token_id", "an id, from which positions are counted");
  spec.padding_id = usable ? padding.get<std::int64_t>() : 1;
  spec.classifier_dense = true;
  return spec;
}

// RemBERT: narrow embeddings, projected to the model's width.
EncoderSpec rembert_encoder(ConfigReader& config) {
  for (const char* key : {"vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size"})
    config.size(key);  // BERT's defaults are not RemBERT's
  EncoderSpec spec = bert_body(config, 0);
  spec.prefix = "rembert.";
  spec.embedding_size = config.size("input_embedding_size", 256);
  spec.projection = "encoder.embedding_hidden_mapping_in";
  return spec;
}

// BLEURT as published for PyTorch: BERT, with RemBERT's projection where embedding_size is set.
EncoderSpec bleurt_encoder(ConfigReader& config) {
  EncoderSpec spec = bert_body(config, 30522);
  spec.prefix = "bleurt.";
  if (!config.raw("embedding_size").is_null()) {
    spec.embedding_size = config.size("embedding_size");
    spec.projection = "encoder.embedding_projection";
  }
  return spec;
}

using EncoderFamily = EncoderSpec (*)(ConfigReader&);

const std::map<std::string, EncoderFamily>& encoder_families() {
  static const std::map<std::string, EncoderFamily> table = {
      {"bert", bert_encoder},       {"bleurt", bleurt_encoder},       {"rembert", rembert_encoder},
      {"roberta", roberta_encoder}, {"xlm-roberta", roberta_encoder},
  };
  return table;
}

}  // namespace

std::vector<std::string> known_encoders() {
  std::vector<std::string> names;
  for (const auto& [name, family] : encoder_families()) names.push_back(name);
  return names;
}

bool is_encoder(const Json& config) {
  return config.is_object() && config.contains("model_type") && config["model_type"].is_string() &&
         encoder_families().contains(config["model_type"].get<std::string>());
}

EncoderSpec encoder_spec(const Json& config, const std::string& where) {
  if (!config.is_object()) throw bad_input("cannot use " + where).wanted("a JSON object").found(config.type_name());
  ConfigReader reader(config, where);
  const std::string type = reader.text("model_type", "");
  const auto family = encoder_families().find(type);
  if (family == encoder_families().end()) {
    throw bad_input("cannot use " + where)
        .with("key", "model_type")
        .wanted("an encoder: one of " + join(known_encoders(), ", "))
        .found(type.empty() ? "nothing" : excerpt(type));
  }
  EncoderSpec spec = family->second(reader);
  spec.model_type = type;
  reader.only("position_embedding_type", "absolute");
  reader.only("is_decoder", false);
  reader.only("add_cross_attention", false);
  reader.only("pruned_heads", Json::object());
  spec.ignored_keys = reader.finish(type);
  return spec;
}

}  // namespace lethe
