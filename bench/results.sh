#!/usr/bin/env bash
# The experiment of docs/results.md: a base model from scratch, unlearning, evaluation.
#   bench/results.sh DATA WORK [PYTHON]    DATA: pku_saferlhf/, truthfulqa/, text/; PYTHON has the `tokenizers` wheel
set -euo pipefail
data=$1 work=$2 python=${3:-python3}
here=$(cd "$(dirname "$0")/.." && pwd)
lethe=${LETHE:-$here/build/lethe}
mkdir -p "$work" && cd "$work"

if [[ ! -d parts ]]; then
  mkdir parts
  # Prompts grouped by similarity before the split: seen (to be unlearned), known (trained on, not unlearned), held (never
  # trained on), judge (for the judge alone).
  "$lethe" split --data "$data/pku_saferlhf/train.jsonl" --role harmful --by similarity --parts seen=0.27,known=0.13,held=0.15,judge=0.45 --out parts/pku
  "$lethe" split --data "$data/truthfulqa/TruthfulQA.csv:prompt=Question,response=Best Answer" --by similarity --parts train=0.64,test=0.16,judge=0.2 --out parts/truthful
  "$lethe" split --data "$data/text/tinystories_1000.json" --parts train=0.8,judge=0.2 --out parts/stories
fi
if [[ ! -d base ]]; then
  mkdir -p config
  "$python" "$here/tools/train_tokenizer.py" --vocabulary 4096 --out config parts/pku/{seen,known}.jsonl parts/truthful/train.jsonl parts/stories/train.jsonl
  cat > config/config.json <<'JSON'
{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 128, "intermediate_size": 352, "num_hidden_layers": 3,
 "num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 512, "vocab_size": 4096, "rms_norm_eps": 1e-06,
 "rope_theta": 10000.0, "tie_word_embeddings": true, "hidden_act": "silu", "initializer_range": 0.02, "bos_token_id": 0,
 "eos_token_id": 0, "torch_dtype": "float32"}
JSON
  "$lethe" finetune --config config/config.json --data parts/pku/seen.jsonl parts/pku/known.jsonl parts/truthful/train.jsonl parts/stories/train.jsonl \
    data.max_length=80 data.append_eos=true threads=1 training.steps=620 training.batch=32 training.lr=1e-3 training.schedule=cosine training.warmup=50 --out base
fi
[[ -f judge.json ]] || "$lethe" judge train --harmful parts/pku/judge.jsonl --harmless parts/truthful/judge.jsonl parts/stories/judge.jsonl --out judge.json
# The budget is a little below 0.3: what is asked for is at most 0.3 on the training answers, and alpha is chosen on validation.
# Seed 8888 is the run of the first table; the others show how much of it is chance.
for seed in 8888 1 2; do
  [[ -d unlearned-$seed ]] || "$lethe" unlearn --model base/model --harmful parts/pku/seen.jsonl --normal parts/truthful/train.jsonl threads=1 seed=$seed \
    data.max_length=80 data.append_eos=true "data.split={train: 0.9, validation: 0.1, test: 0.0, by: similarity}" \
    training.steps=150 training.batch=8 training.lr=4e-4 negation.kl_budget=0.28 evaluation.prompts=0 --out unlearned-$seed
  [[ -d evaluation-$seed ]] || "$lethe" evaluate --model unlearned-$seed/model --original base/model --seen parts/pku/seen.jsonl --unseen parts/pku/known.jsonl parts/pku/held.jsonl \
    --normal parts/truthful/test.jsonl --normal-train parts/truthful/train.jsonl --judge judge.json --prompts 400 --max-new-tokens 40 --max-length 80 --threads 1 --out evaluation-$seed
done
