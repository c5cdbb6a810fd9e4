#include "recipe/key_hints.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "core/similar.h"

namespace lethe {
namespace {

constexpr const char* kEpoch =
    "an epoch is ROWS / (training.batch x training.accumulate) steps, ROWS the pairs to train on";

// Names of settings in transformers, PEFT, TRL, OpenUnlearning and other programs -> our keys.
const std::map<std::string, std::vector<std::string>>& synonyms() {
  static const std::map<std::string, std::vector<std::string>> all = {
      {"alpha", {"negation.alpha", "lora.alpha"}},
      {"activation_checkpointing", {"training.recompute"}},
      {"accumulation_steps", {"training.accumulate"}},
      {"base", {"model"}},
      {"base_model", {"model"}},
      {"batch_size", {"training.batch"}},
      {"beta1", {"objective.beta"}},
      {"bf16", {"dtype"}},
      {"block_size", {"data.max_length"}},
      {"chat_template", {"data.template"}},
      {"checkpoint", {"model"}},
      {"clip_grad_norm", {"training.clip"}},
      {"context_length", {"data.max_length"}},
      {"cutoff_len", {"data.max_length"}},
      {"data_path", {"data.harmful", "data.normal", "data.train"}},
      {"dataset", {"data.harmful", "data.normal", "data.train"}},
      {"dataset_name", {"data.harmful", "data.normal", "data.train"}},
      {"device_map", {"device"}},
      {"effective_batch_size", {"training.batch", "training.accumulate"}},
      {"epoch", {"training.steps"}},
      {"epochs", {"training.steps"}},
      {"early_stopping", {"training.patience"}},
      {"early_stopping_patience", {"training.patience"}},
      {"eval_dataset", {"data.validation"}},
      {"eval_every", {"evaluation.every"}},
      {"eval_interval", {"evaluation.every"}},
      {"eval_steps", {"evaluation.every"}},
      {"forget", {"data.harmful", "objective.forget"}},
      {"forget_data", {"data.harmful"}},
      {"forget_file", {"data.harmful"}},
      {"forget_set", {"data.harmful"}},
      {"forget_split", {"data.harmful"}},
      {"fp16", {"dtype"}},
      {"gamma", {"objective.forget"}},
      {"grad_accum", {"training.accumulate"}},
      {"grad_accumulation", {"training.accumulate"}},
      {"grad_accumulation_steps", {"training.accumulate"}},
      {"grad_clip", {"training.clip"}},
      {"grad_norm", {"training.clip"}},
      {"gradient_accumulation", {"training.accumulate"}},
      {"gradient_accumulation_steps", {"training.accumulate"}},
      {"gradient_checkpointing", {"training.recompute"}},
      {"gradient_clip", {"training.clip"}},
      {"gradient_clipping", {"training.clip"}},
      {"harmful_data", {"data.harmful"}},
      {"harmful_file", {"data.harmful"}},
      {"instruction_template", {"data.template"}},
      {"iterations", {"training.steps"}},
      {"iters", {"training.steps"}},
      {"kl", {"negation.kl_budget"}},
      {"layer_id", {"objective.layers"}},
      {"learning_rate", {"training.lr"}},
      {"learningrate", {"training.lr"}},
      {"load_in_4bit", {"quantize"}},
      {"lora_alpha", {"lora.alpha"}},
      {"lora_dim", {"lora.rank"}},
      {"lora_dropout", {"lora.dropout"}},
      {"lora_r", {"lora.rank"}},
      {"lora_rank", {"lora.rank"}},
      {"lora_target_modules", {"lora.targets"}},
      {"lora_targets", {"lora.targets"}},
      {"lr", {"training.lr"}},
      {"lr_schedule", {"training.schedule"}},
      {"lr_scheduler", {"training.schedule"}},
      {"lr_scheduler_type", {"training.schedule"}},
      {"margin", {"sku.pd_margin"}},
      {"max_gen_toks", {"evaluation.max_new_tokens"}},
      {"max_grad_norm", {"training.clip"}},
      {"max_iters", {"training.steps"}},
      {"max_len", {"data.max_length"}},
      {"max_new_token", {"evaluation.max_new_tokens"}},
      {"max_seq_len", {"data.max_length"}},
      {"max_seq_length", {"data.max_length"}},
      {"max_steps", {"training.steps"}},
      {"max_tokens", {"evaluation.max_new_tokens", "data.max_length"}},
      {"micro_batch_size", {"training.batch"}},
      {"mixed_precision", {"dtype"}},
      {"model_max_length", {"data.max_length"}},
      {"model_name", {"model"}},
      {"model_name_or_path", {"model"}},
      {"model_path", {"model"}},
      {"modules", {"lora.targets"}},
      {"n_epochs", {"training.steps"}},
      {"normal_data", {"data.normal"}},
      {"normal_file", {"data.normal"}},
      {"num_epochs", {"training.steps"}},
      {"num_steps", {"training.steps"}},
      {"num_threads", {"threads"}},
      {"num_train_epochs", {"training.steps"}},
      {"num_train_steps", {"training.steps"}},
      {"num_training_steps", {"training.steps"}},
      {"num_workers", {"threads"}},
      {"num_warmup_steps", {"training.warmup"}},
      {"out_dir", {"out"}},
      {"output", {"out"}},
      {"output_dir", {"out"}},
      {"output_path", {"out"}},
      {"per_device_train_batch_size", {"training.batch"}},
      {"per_gpu_train_batch_size", {"training.batch"}},
      {"precision", {"dtype"}},
      {"prompt_template", {"data.template"}},
      {"quantization", {"quantize"}},
      {"quantization_bit", {"quantize"}},
      {"r", {"lora.rank"}},
      {"random_seed", {"seed"}},
      {"rank", {"lora.rank", "negation.rank"}},
      {"retain", {"data.normal", "objective.retain"}},
      {"retain_coeff", {"objective.retain"}},
      {"retain_data", {"data.normal"}},
      {"retain_file", {"data.normal"}},
      {"retain_loss_eps", {"objective.eps"}},
      {"retain_loss_type", {"objective.retain_loss"}},
      {"retain_set", {"data.normal"}},
      {"run_dir", {"out"}},
      {"save_dir", {"out"}},
      {"save_steps", {"training.snapshot_steps"}},
      {"scheduler", {"training.schedule"}},
      {"seq_len", {"data.max_length"}},
      {"seq_length", {"data.max_length"}},
      {"steering_coeff", {"objective.steer"}},
      {"steps", {"training.steps"}},
      {"system_prompt", {"data.system"}},
      {"target_modules", {"lora.targets"}},
      {"target_module", {"lora.targets"}},
      {"torch_dtype", {"dtype"}},
      {"train_batch_size", {"training.batch"}},
      {"train_data", {"data.train"}},
      {"train_file", {"data.train"}},
      {"train_steps", {"training.steps"}},
      {"trainable", {"training.weights", "lora.targets"}},
      {"use_lora", {"tuning"}},
      {"peft", {"tuning"}},
      {"warmup_ratio", {"training.warmup"}},
      {"warmup_steps", {"training.warmup"}},
      {"wd", {"training.weight_decay"}},
      {"weight_decay_rate", {"training.weight_decay"}},
  };
  return all;
}

std::string plain_form(const std::string& name) {
  std::string plain = name;
  for (char& c : plain) c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return plain;
}

std::string last_part(const std::string& name) {
  return name.substr(name.rfind('.') + 1);  // a name without a dot: the whole name
}

std::string first_part(const std::string& name) {
  return name.substr(0, name.find('.'));
}

void add(std::vector<std::string>& keys, const std::string& key) {
  if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
}

}  // namespace

bool means_epochs(const std::string& name) {
  const std::string last = last_part(plain_form(name));
  return last == "epoch" || last == "epochs" || last == "n_epochs" || last == "num_epochs" || last == "train_epochs" ||
         last == "max_epochs" || last == "num_train_epochs";
}

KeyHint key_hint(const std::string& name, const std::vector<std::string>& known) {
  constexpr std::size_t kMost = 3, kLongest = 100;
  if (name.size() > kLongest) return {};
  const std::string plain = plain_form(name), last = last_part(plain);
  KeyHint hint;
  if (means_epochs(name)) return {{"training.steps"}, kEpoch};
  // Order: keys of this name in the section that the user named, the usual meaning, keys of other sections.
  for (const std::string& key : known) {
    if (last_part(key) == last && first_part(key) == first_part(plain)) add(hint.keys, key);
  }
  if (const auto found = synonyms().find(last); found != synonyms().end()) {
    for (const std::string& key : found->second) {
      if (std::find(known.begin(), known.end(), key) != known.end()) add(hint.keys, key);
    }
    if (last == "warmup_ratio") hint.note = "in steps, not as a share of them";
  } else {
    for (const std::string& key : known) {
      if (last_part(key) == last) add(hint.keys, key);
    }
  }
  if (hint.keys.empty()) hint.keys = similar(plain, known);
  if (hint.keys.empty()) {  // a misspelt key with no section or a wrong one
    std::vector<std::string> parts;
    for (const std::string& key : known) add(parts, last_part(key));
    for (const std::string& part : similar(last, parts)) {
      for (const std::string& key : known) {
        if (last_part(key) == part) add(hint.keys, key);
      }
    }
  }
  if (hint.keys.empty()) {  // or a misspelt name of another program
    std::vector<std::string> names;
    for (const auto& [synonym, keys] : synonyms()) names.push_back(synonym);
    for (const std::string& synonym : similar(last, names)) {
      if (means_epochs(synonym)) return {{"training.steps"}, kEpoch};
      for (const std::string& key : synonyms().at(synonym)) add(hint.keys, key);
    }
  }
  if (hint.keys.size() > kMost) hint.keys.resize(kMost);
  return hint;
}

}  // namespace lethe
