/* What general English looks like (tools/fixtures/english.py). */
.include "src/core/asset.inc"
asset english_letters "assets/english/letters.txt"
asset english_word_order "assets/english/word_order.txt"
