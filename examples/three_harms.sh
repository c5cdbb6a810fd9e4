#!/usr/bin/env bash
# Three harms as task vectors, on the demo's model: learned apart, subtracted together, and one taken back.
# Prints the table of docs/vectors.md: mean nats a token of the answers about each poison, and of ordinary answers,
# under each model. More means more is forgotten. Run it from the repository's root:
#
#   examples/three_harms.sh [OUT] [path of lethe]
set -euo pipefail
out=${1:-runs/three_harms}
lethe=${2:-build/lethe}
base=assets/demo
data=$out/demo/data
harms=(gloomfire nightbloom crowbane)
layout=$'Question: {prompt}\nAnswer:\n{response}'

mkdir -p "$out"
"$lethe" demo --data-only --quiet --out "$out/demo"
vectors=()
for harm in "${harms[@]}"; do
  "$lethe" unlearn recipes/demo.yaml --model $base --quiet --out "$out/runs/$harm" \
    --harmful "$data/harmful.jsonl:where=prompt contains '$harm'" --normal "$data/normal.jsonl" \
    keep_harmful=true negation.alpha=0.2 evaluation.prompts=0
  "$lethe" vector extract --run "$out/runs/$harm" --out "$out/vectors/$harm"
  vectors+=("$out/vectors/$harm")
done
"$lethe" vector list "$out/vectors"
sum() { "$lethe" vector combine --base $base --scale 0.2 --out "$out/$1" "${@:2}"; }
sum one --subtract "$out/vectors/nightbloom"
sum none --subtract "${vectors[@]}"
sum two --subtract "${vectors[@]}" --add "$out/vectors/nightbloom"

# score NAME MODEL: a row of the table
score() {
  local row="| $1 |" topic
  for topic in "${harms[@]}" normal; do
    case $topic in
      normal) cat "$data/normal.jsonl" ;;
      *) grep "$topic" "$data/harmful.jsonl" ;;
    esac > "$out/rows.jsonl"
    "$lethe" score --model "$2" --template "$layout" --quiet --input "$out/rows.jsonl" --output "$out/scores.jsonl"
    row+=" $(python3 - "$out/scores.jsonl" <<'PYTHON'
import json, sys
rows = [json.loads(line) for line in open(sys.argv[1])]
print("%.2f" % (sum(row["nll"] for row in rows) / sum(row["tokens"] for row in rows)))
PYTHON
    ) |"
  done
  echo "$row"
}
echo "| model | ${harms[0]} | ${harms[1]} | ${harms[2]} | ordinary |"
echo "|---|---:|---:|---:|---:|"
score "the base" $base
score "− nightbloom" "$out/one"
score "− all three" "$out/none"
score "− all three + nightbloom" "$out/two"
rm "$out/rows.jsonl" "$out/scores.jsonl"
