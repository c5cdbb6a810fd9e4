#!/usr/bin/env bash
# Variants of SKU over three seeds, and a base model that was also trained on safe answers (docs/results/variants.md).
#   bench/variants.sh DATA WORK [PYTHON]     (WORK: the folder of bench/table.sh; about 50 minutes on one thread)
. "$(dirname "$0")/parts.sh" "$@"

# With the learning rate that the table chose for SKU.
reproduce_on base/model variants --seeds 8888,2,3 --rates 5e-4 --budgets 0.3 --methods sku --variant "margin1 sku.pd_margin=1" --variant "margin4 sku.pd_margin=4" \
  --variant "steps200 training.steps=200" --variant "rank16 negation.rank=16" --variant "tune_mlp training.weights=mlp" \
  --variant "tune_upper training.weights=layers.(2|3)" --variant "repair negation.repair={steps: 60, lr: 5e-4, alpha: 1}"

# The same base model, also trained on one safe answer to each prompt whose harmful answers it was trained on.
if [[ ! -d base_safe ]]; then
  "$python" - "$data" <<'PY'
import json, sys
rows = [json.loads(line) for line in open(f"{sys.argv[1]}/pku_saferlhf/train.jsonl", encoding="utf-8")]
read = {json.loads(line)["prompt"] for part in ("seen", "known") for line in open(f"parts/pku/{part}.jsonl", encoding="utf-8")}
safe = {}
for row in rows:
    for i in "01":
        if row["prompt"] in read and row[f"is_response_{i}_safe"]:
            safe.setdefault(row["prompt"], row[f"response_{i}"])
with open("parts/pku/safe.jsonl", "w", encoding="utf-8") as file:
    file.writelines(json.dumps({"prompt": p, "response": r}) + "\n" for p, r in safe.items())
print(f"{len(safe)} of {len(read)} prompts have a safe answer")
PY
  "$lethe" finetune --config config/config.json --data parts/pku/seen.jsonl parts/pku/known.jsonl parts/pku/safe.jsonl parts/truthful/train.jsonl parts/stories/train.jsonl \
    data.max_length=64 data.append_eos=true threads=1 training.steps=900 training.batch=32 training.lr=1e-3 training.schedule=cosine training.warmup=50 --out base_safe
fi
reproduce_on base_safe/model variants_safe --seeds 8888,2,3 --rates 5e-4 --budgets 0.3 --methods task_vector,ga_mismatch,sku
