/* Harmless prompts that look harmful. */
.include "src/core/asset.inc"
asset safe_prompts "assets/safe_prompts/safe_prompts.jsonl"
