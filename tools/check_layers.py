#!/usr/bin/env python3
"""Fails on an #include that points up the list of layers (docs/design.md): core knows nothing, cli knows all."""
import pathlib
import re
import sys

LAYERS = ["core", "formats", "text", "architectures", "vectors", "nn", "data", "models", "generation", "objectives", "training", "metrics", "judges",
          "report", "runs", "cli"]
ROOT = pathlib.Path(__file__).resolve().parent.parent
mistakes = []
for path in sorted((ROOT / "src").rglob("*")):
    if path.suffix not in (".h", ".cpp") or path.parent == ROOT / "src":
        continue
    layer = path.relative_to(ROOT / "src").parts[0]
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#include "([a-z_]+)/', line)
        if match and LAYERS.index(match.group(1)) > LAYERS.index(layer):
            mistakes.append(f"{path.relative_to(ROOT)}:{number}: {layer}/ must not include {match.group(1)}/")
print("\n".join(mistakes) or f"layers: in order ({len(LAYERS)} layers)")
sys.exit(bool(mistakes))
