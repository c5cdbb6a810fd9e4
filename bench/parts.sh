# Sourced by the experiments. Sets $data, $work, $python and $lethe; makes the parts of the data and the judge in $work.
#     . bench/parts.sh DATA WORK [PYTHON]    DATA: pku_saferlhf/, truthfulqa/, text/; PYTHON has the `tokenizers` wheel
set -euo pipefail
data=$(realpath "$1") work=$2 python=${3:-python3}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
lethe=${LETHE:-$here/build/lethe}
mkdir -p "$work" && cd "$work"

if [[ ! -d parts ]]; then
  mkdir parts
  # Similar prompts stay in one part. seen: unlearned; known: trained on, not unlearned; held: never trained on; judge:
  # only for training the judge.
  "$lethe" split --data "$data/pku_saferlhf/train.jsonl" --role harmful --by similarity --parts seen=0.27,known=0.13,held=0.15,judge=0.45 --out parts/pku
  "$lethe" split --data "$data/truthfulqa/TruthfulQA.csv:prompt=Question,response=Best Answer" --by similarity --parts train=0.64,test=0.16,judge=0.2 --out parts/truthful
  "$lethe" split --data "$data/text/tinystories_1000.json" --parts train=0.8,judge=0.2 --out parts/stories
fi
# The words alone make no judge that passes the probe with so few harmless answers.
encoder=$here/.cache/sentence_encoder/all-MiniLM-L6-v2
[[ -d $encoder ]] || "$python" "$here/tools/sentence_encoder.py" "$encoder"
[[ -f judge.json ]] || "$lethe" judge train --embedder "$encoder" --harmful parts/pku/judge.jsonl --harmless parts/truthful/judge.jsonl parts/stories/judge.jsonl --out judge.json

# base_config FOLDER WIDTH INNER LAYERS: writes a LLaMA configuration and a tokenizer of 4,096 tokens.
base_config() {
  [[ -f $1/config.json ]] && return
  mkdir -p "$1"
  "$python" "$here/tools/train_tokenizer.py" --vocabulary 4096 --out "$1" parts/pku/{seen,known}.jsonl parts/truthful/train.jsonl parts/stories/train.jsonl
  cat > "$1/config.json" <<JSON
{"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": $2, "intermediate_size": $3, "num_hidden_layers": $4,
 "num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 512, "vocab_size": 4096, "rms_norm_eps": 1e-06,
 "rope_theta": 10000.0, "tie_word_embeddings": true, "hidden_act": "silu", "initializer_range": 0.02, "bos_token_id": 0,
 "eos_token_id": 0, "torch_dtype": "float32"}
JSON
}

# reproduce_on MODEL FOLDER ARGUMENTS…: methods on the table's data, split, judge and number of steps
reproduce_on() {
  "$lethe" reproduce --model "$1" --harmful parts/pku/seen.jsonl parts/pku/known.jsonl parts/pku/held.jsonl --normal parts/truthful/train.jsonl threads=1 \
    data.max_length=64 data.append_eos=true "data.split={train: 0.6, validation: 0.15, test: 0.25, by: similarity}" \
    evaluation.judge=judge.json evaluation.prompts=120 evaluation.max_new_tokens=40 training.steps=100 training.batch=8 \
    --alphas 0.5 --out "$2" "${@:3}"
}
