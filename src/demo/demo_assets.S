/* The demo's model and recipes. */
.include "src/core/asset.inc"
asset demo_config "assets/demo/config.json"
asset demo_tokenizer "assets/demo/tokenizer.json"
asset demo_tokenizer_config "assets/demo/tokenizer_config.json"
asset demo_weights "assets/demo/model.safetensors"
asset demo_recipe "recipes/demo.yaml"
asset demo_model_recipe "recipes/demo_model.yaml"
