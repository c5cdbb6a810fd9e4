#!/usr/bin/env bash
# The long run of docs/reliability.md: ten million executions over all targets, most of them of fast targets. An hour on
# one core.
#     make fuzz SECONDS=1 && fuzz/ten_million.sh build-fuzz
set -uo pipefail
cd "$(dirname "$0")/.."
build=$1
# target, most seconds, most executions
{
  while read -r target seconds executions; do
    nice -n 15 fuzz/run.sh "$build" "$seconds" "$executions" "$target" | tail -n +2
  done << 'PLAN'
config          900 4100000
tokenizer_model 900 2000000
safetensors     900 1100000
adapter_config  900 900000
index           900 550000
tokenizer_json  900 300000
chat_template   900 300000
json            900 300000
csv             900 300000
parquet         900 300000
gzip            900 160000
jsonl           900 140000
recipe          900 90000
vocab_and_merges 900 300000
vocab_lines     900 300000
tokenizer_config 900 300000
judge           900 90000
PLAN
} | awk '{ print; if ($2 ~ /^[0-9]+$/) { sum += $2; time += $3; findings += $4 } }
     END { printf "%-16s %12s %8s %9s\n", "all", sum, time, findings; exit findings > 0 }'
