#!/usr/bin/env bash
# The long run of docs/reliability.md: ten million executions over all targets, more of the fast ones. An hour on one core.
#     make fuzz SECONDS=1 && fuzz/ten_million.sh build-fuzz
set -uo pipefail
cd "$(dirname "$0")/.."
build=$1
# target, seconds and executions at most
{
  while read -r target seconds executions; do
    nice -n 15 fuzz/run.sh "$build" "$seconds" "$executions" "$target" | tail -n +2
  done << 'PLAN'
config          600 2500000
tokenizer_model 600 2000000
adapter_config  600 1500000
safetensors     600 1200000
index           600 800000
tokenizer_json  600 600000
chat_template   600 600000
json            600 320000
csv             600 320000
parquet         600 320000
gzip            600 320000
jsonl           600 320000
recipe          600 300000
PLAN
} | awk '{ print; if ($2 ~ /^[0-9]+$/) { sum += $2; time += $3; findings += $4 } }
     END { printf "%-16s %12s %8s %9s\n", "all", sum, time, findings; exit findings > 0 }'
