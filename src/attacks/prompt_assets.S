/* The prompts of the attack `prompts`. */
.include "src/core/asset.inc"
asset attack_prompts "assets/attack_prompts/prompts.yaml"
