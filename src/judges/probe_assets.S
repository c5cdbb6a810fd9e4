/* The probe's items and the harmless lessons as part of the program: their bytes, each followed by a symbol for its end. */
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
asset probe "assets/probe/probe.jsonl"
asset lessons "assets/probe/lessons.json"
.section .note.GNU-stack,"",%progbits
