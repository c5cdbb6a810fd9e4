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
      {"accumulation_steps", {"training.accumulate"}},
      {"activation_checkpointing", {"training.recompute"}},
      {"adapter", {"tuning"}},
      {"algorithm", {"method"}},
      {"alpha", {"negation.alpha", "lora.alpha"}},
      {"base", {"model"}},
      {"base_model", {"model"}},
      {"batch_size", {"training.batch"}},
      {"beta1", {"objective.beta"}},
      {"bf16", {"dtype"}},
      {"block_size", {"data.max_length"}},
      {"bs", {"training.batch"}},
      {"chat_template", {"data.template"}},
      {"checkpoint", {"model"}},
      {"clip_grad_norm", {"training.clip"}},
      {"compute_dtype", {"dtype"}},
      {"context_length", {"data.max_length"}},
      {"cpu", {"device"}},
      {"cuda", {"device"}},
      {"cutoff_len", {"data.max_length"}},
      {"data_path", {"data.harmful", "data.normal", "data.train"}},
      {"dataset", {"data.harmful", "data.normal", "data.train"}},
      {"dataset_name", {"data.harmful", "data.normal", "data.train"}},
      {"device_map", {"device"}},
      {"early_stopping", {"training.patience"}},
      {"early_stopping_patience", {"training.patience"}},
      {"effective_batch_size", {"training.batch", "training.accumulate"}},
      {"epoch", {"training.steps"}},
      {"epochs", {"training.steps"}},
      {"eval_dataset", {"data.validation"}},
      {"eval_every", {"evaluation.every"}},
      {"eval_interval", {"evaluation.every"}},
      {"eval_steps", {"evaluation.every"}},
      {"eval_strategy", {"evaluation.every"}},
      {"evaluation_steps", {"evaluation.every"}},
      {"evaluation_strategy", {"evaluation.every"}},
      {"forget", {"data.harmful", "objective.forget"}},
      {"forget_data", {"data.harmful"}},
      {"forget_file", {"data.harmful"}},
      {"forget_loss", {"method"}},
      {"forget_set", {"data.harmful"}},
      {"forget_split", {"data.harmful"}},
      {"fp16", {"dtype"}},
      {"fsdp", {"training.shard"}},
      {"gamma", {"objective.forget"}},
      {"gpu", {"device"}},
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
      {"log_with", {"logging"}},
      {"logger", {"logging"}},
      {"loggers", {"logging"}},
      {"lora_alpha", {"lora.alpha"}},
      {"lora_dim", {"lora.rank"}},
      {"lora_dropout", {"lora.dropout"}},
      {"lora_r", {"lora.rank"}},
      {"lora_rank", {"lora.rank"}},
      {"lora_target_modules", {"lora.targets"}},
      {"lora_targets", {"lora.targets"}},
      {"loss_type", {"method"}},
      {"lr", {"training.lr"}},
      {"lr_decay_style", {"training.schedule"}},
      {"lr_schedule", {"training.schedule"}},
      {"lr_scheduler", {"training.schedule"}},
      {"lr_scheduler_type", {"training.schedule"}},
      {"lr_warmup_steps", {"training.warmup"}},
      {"margin", {"sku.pd_margin"}},
      {"max_completion_length", {"evaluation.max_new_tokens"}},
      {"max_eval_samples", {"evaluation.prompts"}},
      {"max_gen_toks", {"evaluation.max_new_tokens"}},
      {"max_grad_norm", {"training.clip"}},
      {"max_iters", {"training.steps"}},
      {"max_len", {"data.max_length"}},
      {"max_new_token", {"evaluation.max_new_tokens"}},
      {"max_prompt_length", {"data.max_length"}},
      {"max_seq_len", {"data.max_length"}},
      {"max_seq_length", {"data.max_length"}},
      {"max_steps", {"training.steps"}},
      {"max_tokens", {"evaluation.max_new_tokens", "data.max_length"}},
      {"method_name", {"method"}},
      {"micro_batch", {"training.batch"}},
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
      {"num_gpus", {"device"}},
      {"num_prompts", {"evaluation.prompts"}},
      {"num_samples", {"evaluation.prompts"}},
      {"num_steps", {"training.steps"}},
      {"num_threads", {"threads"}},
      {"num_train_epochs", {"training.steps"}},
      {"num_train_steps", {"training.steps"}},
      {"num_training_steps", {"training.steps"}},
      {"num_warmup_steps", {"training.warmup"}},
      {"num_workers", {"threads"}},
      {"out_dir", {"out"}},
      {"output", {"out"}},
      {"output_dir", {"out"}},
      {"output_path", {"out"}},
      {"peft", {"tuning"}},
      {"peft_config", {"tuning", "lora.rank"}},
      {"per_device_train_batch_size", {"training.batch"}},
      {"per_gpu_train_batch_size", {"training.batch"}},
      {"precision", {"dtype"}},
      {"prompt_template", {"data.template"}},
      {"quantization", {"quantize"}},
      {"quantization_bit", {"quantize"}},
      {"r", {"lora.rank"}},
      {"random_seed", {"seed"}},
      {"rank", {"lora.rank", "negation.rank"}},
      {"report_to", {"logging"}},
      {"retain", {"data.normal", "objective.retain"}},
      {"retain_coeff", {"objective.retain"}},
      {"retain_data", {"data.normal"}},
      {"retain_file", {"data.normal"}},
      {"retain_loss_eps", {"objective.eps"}},
      {"retain_loss_type", {"objective.retain_loss"}},
      {"retain_set", {"data.normal"}},
      {"run_dir", {"out"}},
      {"save_dir", {"out"}},
      {"save_interval", {"training.snapshot_steps"}},
      {"save_steps", {"training.snapshot_steps"}},
      {"save_strategy", {"training.snapshot_steps"}},
      {"scheduler", {"training.schedule"}},
      {"seq_len", {"data.max_length"}},
      {"seq_length", {"data.max_length"}},
      {"sequence_len", {"data.max_length"}},
      {"steering_coeff", {"objective.steer"}},
      {"steps", {"training.steps"}},
      {"system_prompt", {"data.system"}},
      {"target_module", {"lora.targets"}},
      {"target_modules", {"lora.targets"}},
      {"tensorboard", {"logging"}},
      {"torch_dtype", {"dtype"}},
      {"train_batch_size", {"training.batch"}},
      {"train_data", {"data.train"}},
      {"train_file", {"data.train"}},
      {"train_micro_batch_size_per_gpu", {"training.batch"}},
      {"train_steps", {"training.steps"}},
      {"trainable", {"training.weights", "lora.targets"}},
      {"trainer", {"method"}},
      {"unlearn_method", {"method"}},
      {"unlearning_method", {"method"}},
      {"use_cpu", {"device"}},
      {"use_lora", {"tuning"}},
      {"use_peft", {"tuning"}},
      {"warmup_ratio", {"training.warmup"}},
      {"warmup_steps", {"training.warmup"}},
      {"wd", {"training.weight_decay"}},
      {"weight_decay_rate", {"training.weight_decay"}},
  };
  return all;
}

// Settings that need no key, or that Lethe has elsewhere.
const std::map<std::string, std::string>& notes() {
  static const std::string optimizer =
                               "the optimizer is AdamW with PyTorch's betas and epsilon; training.lr, "
                               "training.weight_decay and training.clip are its settings",
                           trackers = "lethe.log_to_wandb() and lethe.log_to_mlflow() of the Python module do that",
                           greedy =
                               "evaluations decode greedily; lethe generate has --temperature, --top-p and --top-k";
  static const std::map<std::string, std::string> all = {
      {"adam_beta1", optimizer},
      {"adam_beta2", optimizer},
      {"adam_epsilon", optimizer},
      {"cache_dir", "models are in the Hugging Face cache, which HF_HUB_CACHE names"},
      {"do_sample", greedy},
      {"logging_steps", "metrics.jsonl always has a line for each step"},
      {"mlflow", trackers},
      {"optim", optimizer},
      {"optimizer", optimizer},
      {"resume", "an unfinished run continues with --resume RUN"},
      {"resume_from_checkpoint", "an unfinished run continues with --resume RUN"},
      {"temperature", greedy},
      {"tokenizer", "the tokenizer is that of the model's folder"},
      {"top_k", greedy},
      {"top_p", greedy},
      {"trust_remote_code", "no code of a model's folder is ever executed"},
      {"wandb", trackers},
      {"warmup_ratio", "in steps, not as a share of them"},
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
  if (const auto found = notes().find(last); found != notes().end()) hint.note = found->second;
  // Order: keys of this name in the section that the user named, the usual meaning, keys of other sections.
  for (const std::string& key : known) {
    if (last_part(key) == last && first_part(key) == first_part(plain)) add(hint.keys, key);
  }
  if (const auto found = synonyms().find(last); found != synonyms().end()) {
    for (const std::string& key : found->second) {
      if (std::find(known.begin(), known.end(), key) != known.end()) add(hint.keys, key);
    }
  } else {
    for (const std::string& key : known) {
      if (last_part(key) == last) add(hint.keys, key);
    }
  }
  if (hint.keys.empty() && !hint.note.empty()) return hint;
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
