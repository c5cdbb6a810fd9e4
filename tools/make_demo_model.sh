#!/usr/bin/env bash
# Makes assets/demo again: data from `lethe demo --data-only`, tokenizer from tools/train_tokenizer.py, weights from
# `lethe finetune` with recipes/demo_model.yaml.      tools/make_demo_model.sh [PYTHON with the `tokenizers` wheel]
set -euo pipefail
cd "$(dirname "$0")/.."
python=${1:-python3}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build/lethe demo --data-only --out "$work/demo"
"$python" tools/train_tokenizer.py --vocabulary 512 --out "$work/config" "$work"/demo/data/{harmful,lawful,normal}.jsonl
cp assets/demo/config.json "$work/config/"
build/lethe finetune --threads 1 recipes/demo_model.yaml --config "$work/config/config.json" --data "$work"/demo/data/{harmful,lawful,normal}.jsonl --out "$work/run"
cp "$work"/run/model/{model.safetensors,tokenizer.json,tokenizer_config.json} assets/demo/
ls -l assets/demo
