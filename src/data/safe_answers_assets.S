/* Safe answers in many phrasings, one a line. */
.include "src/core/asset.inc"
asset safe_answers_lawful "assets/safe_answers/lawful.txt"
asset safe_answers_refusals "assets/safe_answers/refusals.txt"
asset safe_answers_unknown "assets/safe_answers/unknown.txt"
