#!/usr/bin/env bash
# The longer table of docs/results.md: every method on PKU-SafeRLHF and TruthfulQA, on one base model from scratch.
#   bench/table.sh DATA WORK [PYTHON]     (on one thread; after an interruption, the same command continues)
. "$(dirname "$0")/parts.sh" "$@"

if [[ ! -d base ]]; then
  base_config config 192 512 4
  "$lethe" finetune --config config/config.json --data parts/pku/seen.jsonl parts/pku/known.jsonl parts/truthful/train.jsonl parts/stories/train.jsonl \
    data.max_length=64 data.append_eos=true threads=1 training.steps=900 training.batch=32 training.lr=1e-3 training.schedule=cosine training.warmup=50 --out base
fi
# Fixed before the first run: two learning rates for every method, chosen on validation prompts of the first seed; the
# table shows the first budget; near-duplicate prompts stay in one part of the split; the judge was trained on prompts
# and questions that appear nowhere else.
reproduce_on base/model table --variant "contrast_mismatch method=contrast safe.answers=mismatch" \
  --seeds 8888,2,3 --rates 2e-4,5e-4 --budgets 0.3,0.1,0.8 "${@:4}"
