/* What general English looks like (tools/fixtures/english.py), each file followed by a symbol for its end. */
.section .rodata
.macro asset name, file
  .balign 16
  .global lethe_english_\name
lethe_english_\name:
  .incbin "\file"
  .global lethe_english_\name\()_end
lethe_english_\name\()_end:
  .byte 0
.endm
asset letters "assets/english/letters.txt"
asset word_order "assets/english/word_order.txt"
.section .note.GNU-stack,"",%progbits
