/* The page that compares an original and an unlearned model. */
.include "src/core/asset.inc"
asset compare_page "assets/page/compare.html"
