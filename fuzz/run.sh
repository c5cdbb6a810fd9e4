#!/usr/bin/env bash
# Runs libFuzzer on each target in turn and prints a table of the results. New inputs are added to BUILD/corpus/TARGET,
# which starts from fuzz/corpus/TARGET. Inputs that cause a failure go to BUILD/findings/TARGET-….
#     fuzz/run.sh BUILD SECONDS [EXECUTIONS] [TARGET…]   limits for each target; 0: no limit
set -uo pipefail
cd "$(dirname "$0")/.."
build=$1 seconds=$2 executions=${3:-0}
shift $(($# < 3 ? $# : 3))
((executions == 0)) && executions=-1
targets=("$@")
((${#targets[@]})) || mapfile -t targets < <(ls fuzz/corpus)
export ASAN_SYMBOLIZER_PATH=/usr/bin/llvm-symbolizer-16 UBSAN_OPTIONS=print_stacktrace=1
mkdir -p "$build/findings"
found=0
printf '%-16s %12s %8s %9s\n' target executions seconds findings
for target in "${targets[@]}"; do
  grown=$build/corpus/$target log=$build/findings/$target.log
  mkdir -p "$grown"
  dictionary=()
  [[ -f fuzz/dictionaries/$target ]] && dictionary=(-dict="fuzz/dictionaries/$target")
  begin=$(date +%s)
  LETHE_FUZZ_TARGET=$target ASAN_OPTIONS=allocator_may_return_null=0:detect_leaks=1 \
    "$build/lethe_fuzz" "${dictionary[@]}" -max_total_time="$seconds" -runs="$executions" -max_len=12000 -timeout=5 \
    -rss_limit_mb=1500 -malloc_limit_mb=512 -print_final_stats=1 -verbosity=1 -artifact_prefix="$build/findings/$target-" \
    "$grown" "fuzz/corpus/$target" > "$log" 2>&1
  status=$?
  ended=$(($(date +%s) - begin))
  done=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  findings=0
  ((status == 0)) || { findings=1 found=1; }
  printf '%-16s %12s %8s %9s\n' "$target" "${done:-?}" "$ended" "$findings"
  ((status == 0)) || { grep -m 3 -E 'ERROR: |SUMMARY: |runtime error: |what\(\): ' "$log"; grep -m 1 'Test unit written' "$log"; }
done
exit $found
