#!/usr/bin/env bash
# Compiles the folders of src/ that need no LibTorch with clang 16 and looks for mistakes (.clang-tidy). The build uses
# g++; what only one of the two compilers warns about is found so. A folder is one unit: 8 units instead of 127 save
# most of the time.
#     tools/check_clang.sh              all of them (under a minute on two cores)
#     tools/check_clang.sh --changed    the folders that hold changes since the last commit
set -euo pipefail
cd "$(dirname "$0")/.."
command -v clang-tidy-16 > /dev/null || { echo "clang-tidy-16 is missing: run tools/setup.sh style" >&2; exit 1; }
folders=(core report formats architectures jinja tokenizers prompts data)
if [[ ${1:-} == --changed ]]; then
  changed=$( (git diff --name-only HEAD -- src; git ls-files --others --exclude-standard -- src) | cut -d/ -f2 | sort -u)
  mapfile -t folders < <(printf '%s\n' "${folders[@]}" | grep -Fxf <(echo "$changed") || true)
fi
if ((${#folders[@]} == 0)); then exit 0; fi
units=$(mktemp -d)
trap 'rm -rf "$units"' EXIT
for folder in "${folders[@]}"; do
  for source in src/"$folder"/*.cpp; do echo "#include \"${source#src/}\""; done > "$units/$folder.cpp"
done
check() {
  local report
  if ! report=$(clang-tidy-16 --quiet --config-file=.clang-tidy "$1" -- -std=c++20 -Isrc -Wall -Wextra \
                -Wno-missing-field-initializers 2> /dev/null); then
    echo "$report"
    return 1
  fi
}
export -f check
printf '%s\n' "$units"/*.cpp | xargs -P "$(nproc)" -I{} bash -c 'check {}'
echo "clang: ${folders[*]}: no warnings"
