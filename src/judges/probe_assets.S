/* The probe's items, and the harmless lessons of the text classifier. */
.include "src/core/asset.inc"
asset probe "assets/probe/probe.jsonl"
asset lessons "assets/probe/lessons.json"
