// Made by tools/fixtures/config_keys_read.py from transformers 5.23.0; do not edit.
#include "architectures/keys_read.h"

namespace lethe {

const std::set<std::string>& keys_read_by_all() {
  // clang-format off
  static const std::set<std::string> keys = {
      "_attn_implementation", "_attn_implementation_internal", "_auto_class", "_check_received_keys",
      "_commit_hash", "_config", "_configuration_file", "_decode_special_floats", "_detect_timestamp_from_logprob",
      "_dict_from_json_file", "_encode_special_floats", "_experts_implementation",
      "_experts_implementation_internal", "_extra_content", "_from_auto", "_from_pipeline", "_get_config_dict",
      "_get_files_timestamps", "_get_generation_parameters", "_getattr_without_heterogeneous_validation",
      "_hasattr_without_heterogeneous_validation", "_heterogeneity_spec", "_is_quantized",
      "_iter_config_keys_with_heterogeneous_adjustment", "_mapping", "_modules", "_name_or_path", "_out_features",
      "_out_indices", "_output_attentions", "_post_init_done", "_remove_keys_not_serialized", "_rope_type_labels",
      "_update_heterogeneous_to_dict_output", "_upload_modified_files", "_validate_axial_rope_parameters",
      "_validate_default_rope_parameters", "_validate_dynamic_rope_parameters", "_validate_linear_rope_parameters",
      "_validate_llama3_rope_parameters", "_validate_longrope_rope_parameters",
      "_validate_proportional_rope_parameters", "_validate_yarn_rope_parameters",
      "allow_global_per_layer_attribute_access", "architectures", "attention_chunk_size", "attention_dropout",
      "attn_implementation", "attribute_map", "auto_map", "backbone_config", "base_config_key",
      "base_model_ep_plan", "base_model_fsdp_plan", "base_model_pp_plan", "base_model_tp_plan", "cache_dir",
      "chunk_size_feed_forward", "code_revision", "commit_message", "config_class", "configuration_files",
      "convert_rope_params_to_dict", "decoder", "default_config_fields", "default_rope_type", "default_theta",
      "dict_dtype_to_str", "distributed_config", "dtype", "embed_dim", "encoder", "encoder_attention_heads",
      "encoder_ffn_dim", "encoder_layers", "experts_implementation", "extra_config_files", "extra_files",
      "features_only", "force_download", "from_dict", "from_json_file", "from_pretrained", "fusion_config",
      "generator", "get", "get_config_class", "get_config_dict", "get_mtp_config", "get_text_config", "gguf_file",
      "gradient_checkpointing", "head_dim", "hf_quantizer", "hidden_size", "id2label",
      "ignore_keys_at_rope_validation", "init_kwargs", "init_std", "initializer_factor", "initializer_range",
      "is_causal", "is_custom_code", "is_encoder_decoder", "is_heterogeneous", "is_remote_code", "items",
      "kv_sharing_modes", "label2id", "layer_types", "local_files_only", "max_initial_timestamp_index",
      "max_position_embeddings", "mlp_layer_types", "model_type", "mtp_layer_types", "name_or_path",
      "nested_rope_parameter_keys", "no_timestamps_token_id", "num_attention_heads", "num_channels", "num_heads",
      "num_hidden_layers", "num_key_value_heads", "num_labels", "number_of_conv_states",
      "original_max_position_embeddings", "out_features", "out_indices", "partial_rotary_factor",
      "per_layer_attributes", "per_layer_config", "pretrained_cfg", "problem_type", "proxies", "push_to_hub",
      "qk_head_dim", "quantization_config", "register_for_auto_class", "repo_id", "return_dict",
      "return_unused_kwargs", "revision", "rope_parameters", "rope_scaling", "rope_theta", "save_pretrained",
      "sep_token_id", "serialize_explicit_per_layer_config", "set_output_features_output_indices", "sliding_window",
      "stage_names", "standardize_rope_params", "sub_configs", "sub_configs_defaults", "subfolder", "text_config",
      "text_encoder", "tie_word_embeddings", "to_dict", "to_diff_dict", "to_json_file", "to_json_string", "token",
      "torch.Tensor", "torch_dtype", "transformers_weights", "trust_remote_code", "update", "update_from_string",
      "use_return_dict", "validate", "validate_architecture", "validate_layer_type", "validate_output_attentions",
      "validate_rope", "validate_token_ids", "verify_out_features_out_indices", "vision_aspect_ratio",
      "vision_config", "vision_feature_layer", "vision_feature_select_strategy", "vocab_size"};
  // clang-format on
  return keys;
}

const std::set<std::string>& keys_of_generation() {
  // clang-format off
  static const std::set<std::string> keys = {
      "assistant_confidence_threshold", "assistant_early_exit", "assistant_ensemble_weight", "assistant_lookbehind",
      "bad_words_ids", "begin_suppress_tokens", "bos_token_id", "cache_config", "cache_implementation",
      "compile_config", "constraints", "continuous_batching_config", "decoder_start_token_id", "disable_compile",
      "diversity_penalty", "do_sample", "dola_layers", "early_stopping", "encoder_no_repeat_ngram_size",
      "encoder_repetition_penalty", "eos_token_id", "epsilon_cutoff", "eta_cutoff",
      "exponential_decay_length_penalty", "force_words_ids", "forced_bos_token_id", "forced_eos_token_id",
      "guidance_scale", "is_assistant", "length_penalty", "low_memory", "max_cache_len", "max_length",
      "max_matching_ngram_size", "max_new_tokens", "max_time", "min_length", "min_new_tokens", "min_p",
      "no_repeat_ngram_size", "num_assistant_tokens", "num_assistant_tokens_schedule", "num_beam_groups",
      "num_beams", "num_return_sequences", "output_attentions", "output_hidden_states", "output_logits",
      "output_scores", "pad_token_id", "penalty_alpha", "prefill_chunk_size", "prompt_lookup_num_tokens",
      "remove_invalid_values", "renormalize_logits", "repetition_penalty", "return_dict_in_generate",
      "sequence_bias", "speculation_type", "stop_strings", "suppress_tokens", "target_lookbehind", "temperature",
      "token_healing", "top_h", "top_k", "top_p", "transformers_version", "typical_p", "use_cache", "use_mtp",
      "watermarking_config"};
  // clang-format on
  return keys;
}

const std::map<std::string, std::set<std::string>>& keys_read_by_family() {
  // clang-format off
  static const std::map<std::string, std::set<std::string>> keys = {
      {"bert", {
          "add_cross_attention", "attention_probs_dropout_prob", "classifier_dropout", "embedding_size",
          "hidden_act", "hidden_dropout_prob", "intermediate_size", "is_decoder", "layer_norm_eps",
          "type_vocab_size"}},
      {"gemma", {
          "attention_bias", "hidden_act", "intermediate_size", "rms_norm_eps", "use_bidirectional_attention"}},
      {"gemma2", {
          "attention_bias", "attn_logit_softcapping", "final_logit_softcapping", "hidden_activation",
          "intermediate_size", "query_pre_attn_scalar", "rms_norm_eps", "use_bidirectional_attention"}},
      {"gemma3_text", {
          "_sliding_window_pattern", "attention_bias", "attn_logit_softcapping", "final_logit_softcapping",
          "hidden_activation", "intermediate_size", "mm_tokens_per_image", "query_pre_attn_scalar", "rms_norm_eps",
          "rope_local_base_freq", "sliding_window_pattern", "use_bidirectional_attention"}},
      {"gpt2", {
          "activation_function", "add_cross_attention", "attn_pdrop", "embd_pdrop", "layer_norm_epsilon", "n_embd",
          "n_head", "n_inner", "n_layer", "n_positions", "reorder_and_upcast_attn", "resid_pdrop",
          "scale_attn_by_inverse_layer_idx", "scale_attn_weights", "summary_activation", "summary_first_dropout",
          "summary_proj_to_labels", "summary_type", "summary_use_proj"}},
      {"gpt_neox", {
          "attention_bias", "classifier_dropout", "hidden_act", "hidden_dropout", "intermediate_size", "is_decoder",
          "layer_norm_eps", "rotary_emb_base", "rotary_pct", "use_parallel_residual"}},
      {"granite", {
          "attention_bias", "attention_multiplier", "embedding_multiplier", "hidden_act", "intermediate_size",
          "logits_scaling", "mlp_bias", "residual_multiplier", "rms_norm_eps"}},
      {"llama", {
          "attention_bias", "hidden_act", "intermediate_size", "mlp_bias", "pretraining_tp", "rms_norm_eps"}},
      {"mistral", {
          "hidden_act", "intermediate_size", "rms_norm_eps"}},
      {"mixtral", {
          "hidden_act", "intermediate_size", "num_experts", "num_experts_per_tok", "num_local_experts",
          "output_router_logits", "rms_norm_eps", "router_aux_loss_coef", "router_jitter_noise"}},
      {"olmo2", {
          "attention_bias", "hidden_act", "intermediate_size", "rms_norm_eps"}},
      {"opt", {
          "_remove_final_layer_norm", "activation_function", "do_layer_norm_before", "dropout", "enable_bias",
          "ffn_dim", "layer_norm_elementwise_affine", "layerdrop", "word_embed_proj_dim"}},
      {"phi", {
          "embd_pdrop", "hidden_act", "intermediate_size", "layer_norm_eps", "qk_layernorm", "resid_pdrop"}},
      {"phi3", {
          "embd_pdrop", "hidden_act", "intermediate_size", "resid_pdrop", "rms_norm_eps"}},
      {"qwen2", {
          "hidden_act", "intermediate_size", "max_window_layers", "rms_norm_eps", "use_sliding_window"}},
      {"qwen3", {
          "attention_bias", "hidden_act", "intermediate_size", "max_window_layers", "rms_norm_eps",
          "use_sliding_window"}},
      {"qwen3_moe", {
          "attention_bias", "decoder_sparse_step", "hidden_act", "intermediate_size", "mlp_only_layers",
          "moe_intermediate_size", "norm_topk_prob", "num_experts", "num_experts_per_tok", "output_router_logits",
          "rms_norm_eps", "router_aux_loss_coef", "use_sliding_window"}},
      {"rembert", {
          "add_cross_attention", "attention_probs_dropout_prob", "classifier_dropout_prob", "embedding_size",
          "hidden_act", "hidden_dropout_prob", "input_embedding_size", "intermediate_size", "is_decoder",
          "layer_norm_eps", "output_embedding_size", "type_vocab_size"}},
      {"roberta", {
          "add_cross_attention", "attention_probs_dropout_prob", "classifier_dropout", "embedding_size",
          "hidden_act", "hidden_dropout_prob", "intermediate_size", "is_decoder", "layer_norm_eps",
          "type_vocab_size"}},
      {"stablelm", {
          "hidden_act", "hidden_dropout", "intermediate_size", "layer_norm_eps", "qk_layernorm",
          "use_parallel_residual", "use_qkv_bias"}},
      {"xlm-roberta", {
          "add_cross_attention", "attention_probs_dropout_prob", "classifier_dropout", "embedding_size",
          "hidden_act", "hidden_dropout_prob", "intermediate_size", "is_decoder", "layer_norm_eps",
          "type_vocab_size"}},
  };
  // clang-format on
  return keys;
}

const std::map<std::string, std::set<std::string>>& code_by_family() {
  // clang-format off
  static const std::map<std::string, std::set<std::string>> names = {
      {"bert", {
          "configuration_bert.BertConfig", "modeling_bert.BertForMaskedLM", "modeling_bert.BertForMultipleChoice",
          "modeling_bert.BertForNextSentencePrediction", "modeling_bert.BertForPreTraining",
          "modeling_bert.BertForQuestionAnswering", "modeling_bert.BertForSequenceClassification",
          "modeling_bert.BertForTokenClassification", "modeling_bert.BertLMHeadModel", "modeling_bert.BertLayer",
          "modeling_bert.BertModel", "modeling_bert.BertPreTrainedModel"}},
      {"gemma", {
          "configuration_gemma.GemmaConfig", "modeling_gemma.GemmaForCausalLM",
          "modeling_gemma.GemmaForSequenceClassification", "modeling_gemma.GemmaForTokenClassification",
          "modeling_gemma.GemmaModel", "modeling_gemma.GemmaPreTrainedModel"}},
      {"gemma2", {
          "configuration_gemma2.Gemma2Config", "modeling_gemma2.Gemma2ForCausalLM",
          "modeling_gemma2.Gemma2ForSequenceClassification", "modeling_gemma2.Gemma2ForTokenClassification",
          "modeling_gemma2.Gemma2Model", "modeling_gemma2.Gemma2PreTrainedModel"}},
      {"gemma3_text", {
          "configuration_gemma3.Gemma3Config", "configuration_gemma3.Gemma3TextConfig",
          "modeling_gemma3.Gemma3ForCausalLM", "modeling_gemma3.Gemma3ForConditionalGeneration",
          "modeling_gemma3.Gemma3ForSequenceClassification", "modeling_gemma3.Gemma3Model",
          "modeling_gemma3.Gemma3PreTrainedModel", "modeling_gemma3.Gemma3TextForSequenceClassification",
          "modeling_gemma3.Gemma3TextModel"}},
      {"gpt2", {
          "configuration_gpt2.GPT2Config", "modeling_gpt2.GPT2DoubleHeadsModel",
          "modeling_gpt2.GPT2ForQuestionAnswering", "modeling_gpt2.GPT2ForSequenceClassification",
          "modeling_gpt2.GPT2ForTokenClassification", "modeling_gpt2.GPT2LMHeadModel", "modeling_gpt2.GPT2Model",
          "modeling_gpt2.GPT2PreTrainedModel"}},
      {"gpt_neox", {
          "configuration_gpt_neox.GPTNeoXConfig", "modeling_gpt_neox.GPTNeoXForCausalLM",
          "modeling_gpt_neox.GPTNeoXForQuestionAnswering", "modeling_gpt_neox.GPTNeoXForSequenceClassification",
          "modeling_gpt_neox.GPTNeoXForTokenClassification", "modeling_gpt_neox.GPTNeoXLayer",
          "modeling_gpt_neox.GPTNeoXModel", "modeling_gpt_neox.GPTNeoXPreTrainedModel"}},
      {"granite", {
          "configuration_granite.GraniteConfig", "modeling_granite.GraniteForCausalLM",
          "modeling_granite.GraniteModel", "modeling_granite.GranitePreTrainedModel"}},
      {"llama", {
          "configuration_llama.LlamaConfig", "modeling_llama.LlamaForCausalLM",
          "modeling_llama.LlamaForQuestionAnswering", "modeling_llama.LlamaForSequenceClassification",
          "modeling_llama.LlamaForTokenClassification", "modeling_llama.LlamaModel",
          "modeling_llama.LlamaPreTrainedModel"}},
      {"mistral", {
          "configuration_mistral.MistralConfig", "modeling_mistral.MistralForCausalLM",
          "modeling_mistral.MistralForQuestionAnswering", "modeling_mistral.MistralForSequenceClassification",
          "modeling_mistral.MistralForTokenClassification", "modeling_mistral.MistralModel",
          "modeling_mistral.MistralPreTrainedModel"}},
      {"mixtral", {
          "configuration_mixtral.MixtralConfig", "modeling_mixtral.MixtralForCausalLM",
          "modeling_mixtral.MixtralForQuestionAnswering", "modeling_mixtral.MixtralForSequenceClassification",
          "modeling_mixtral.MixtralForTokenClassification", "modeling_mixtral.MixtralModel",
          "modeling_mixtral.MixtralPreTrainedModel"}},
      {"olmo2", {
          "configuration_olmo2.Olmo2Config", "modeling_olmo2.Olmo2ForCausalLM",
          "modeling_olmo2.Olmo2ForSequenceClassification", "modeling_olmo2.Olmo2Model",
          "modeling_olmo2.Olmo2PreTrainedModel"}},
      {"opt", {
          "configuration_opt.OPTConfig", "modeling_opt.OPTForCausalLM", "modeling_opt.OPTForQuestionAnswering",
          "modeling_opt.OPTForSequenceClassification", "modeling_opt.OPTModel", "modeling_opt.OPTPreTrainedModel"}},
      {"phi", {
          "configuration_phi.PhiConfig", "modeling_phi.PhiForCausalLM", "modeling_phi.PhiForSequenceClassification",
          "modeling_phi.PhiForTokenClassification", "modeling_phi.PhiModel", "modeling_phi.PhiPreTrainedModel"}},
      {"phi3", {
          "configuration_phi3.Phi3Config", "modeling_phi3.Phi3ForCausalLM",
          "modeling_phi3.Phi3ForSequenceClassification", "modeling_phi3.Phi3ForTokenClassification",
          "modeling_phi3.Phi3Model", "modeling_phi3.Phi3PreTrainedModel"}},
      {"qwen2", {
          "configuration_qwen2.Qwen2Config", "modeling_qwen2.Qwen2ForCausalLM",
          "modeling_qwen2.Qwen2ForQuestionAnswering", "modeling_qwen2.Qwen2ForSequenceClassification",
          "modeling_qwen2.Qwen2ForTokenClassification", "modeling_qwen2.Qwen2Model",
          "modeling_qwen2.Qwen2PreTrainedModel", "modeling_qwen2.Qwen2RMSNorm"}},
      {"qwen3", {
          "configuration_qwen3.Qwen3Config", "modeling_qwen3.Qwen3ForCausalLM",
          "modeling_qwen3.Qwen3ForQuestionAnswering", "modeling_qwen3.Qwen3ForSequenceClassification",
          "modeling_qwen3.Qwen3ForTokenClassification", "modeling_qwen3.Qwen3Model",
          "modeling_qwen3.Qwen3PreTrainedModel"}},
      {"qwen3_moe", {
          "configuration_qwen3_moe.Qwen3MoeConfig", "modeling_qwen3_moe.Qwen3MoeForCausalLM",
          "modeling_qwen3_moe.Qwen3MoeForQuestionAnswering", "modeling_qwen3_moe.Qwen3MoeForSequenceClassification",
          "modeling_qwen3_moe.Qwen3MoeForTokenClassification", "modeling_qwen3_moe.Qwen3MoeModel",
          "modeling_qwen3_moe.Qwen3MoePreTrainedModel"}},
      {"rembert", {
          "configuration_rembert.RemBertConfig", "modeling_rembert.RemBertForCausalLM",
          "modeling_rembert.RemBertForMaskedLM", "modeling_rembert.RemBertForMultipleChoice",
          "modeling_rembert.RemBertForQuestionAnswering", "modeling_rembert.RemBertForSequenceClassification",
          "modeling_rembert.RemBertForTokenClassification", "modeling_rembert.RemBertLayer",
          "modeling_rembert.RemBertModel", "modeling_rembert.RemBertPreTrainedModel"}},
      {"roberta", {
          "configuration_roberta.RobertaConfig", "modeling_roberta.RobertaForCausalLM",
          "modeling_roberta.RobertaForMaskedLM", "modeling_roberta.RobertaForMultipleChoice",
          "modeling_roberta.RobertaForQuestionAnswering", "modeling_roberta.RobertaForSequenceClassification",
          "modeling_roberta.RobertaForTokenClassification", "modeling_roberta.RobertaModel",
          "modeling_roberta.RobertaPreTrainedModel"}},
      {"stablelm", {
          "configuration_stablelm.StableLmConfig", "modeling_stablelm.StableLmForCausalLM",
          "modeling_stablelm.StableLmForSequenceClassification", "modeling_stablelm.StableLmForTokenClassification",
          "modeling_stablelm.StableLmModel", "modeling_stablelm.StableLmPreTrainedModel"}},
      {"xlm-roberta", {
          "configuration_xlm_roberta.XLMRobertaConfig", "modeling_xlm_roberta.XLMRobertaForCausalLM",
          "modeling_xlm_roberta.XLMRobertaForMaskedLM", "modeling_xlm_roberta.XLMRobertaForMultipleChoice",
          "modeling_xlm_roberta.XLMRobertaForQuestionAnswering",
          "modeling_xlm_roberta.XLMRobertaForSequenceClassification",
          "modeling_xlm_roberta.XLMRobertaForTokenClassification", "modeling_xlm_roberta.XLMRobertaModel",
          "modeling_xlm_roberta.XLMRobertaPreTrainedModel"}},
  };
  // clang-format on
  return names;
}

const std::map<std::string, std::map<std::string, std::string>>& second_names() {
  // clang-format off
  static const std::map<std::string, std::map<std::string, std::string>> names = {
      {"gpt2", {
          {"hidden_size", "n_embd"},
          {"max_position_embeddings", "n_positions"},
          {"num_attention_heads", "n_head"},
          {"num_hidden_layers", "n_layer"}}},
      {"mixtral", {
          {"num_experts", "num_local_experts"}}},
      {"qwen3_moe", {
          {"num_experts", "num_local_experts"}}},
  };
  // clang-format on
  return names;
}

}  // namespace lethe
