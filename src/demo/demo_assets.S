/* Files that are embedded in the program: the bytes of each, between two symbols for its begin and end. */
.section .rodata
.macro asset name, file
  .balign 16
  .global lethe_\name
lethe_\name:
  .incbin "\file"
  .global lethe_\name\()_end
lethe_\name\()_end:
  .byte 0
.endm
asset demo_config "assets/demo/config.json"
asset demo_tokenizer "assets/demo/tokenizer.json"
asset demo_tokenizer_config "assets/demo/tokenizer_config.json"
asset demo_weights "assets/demo/model.safetensors"
asset demo_recipe "recipes/demo.yaml"
asset demo_model_recipe "recipes/demo_model.yaml"
.section .note.GNU-stack,"",%progbits
