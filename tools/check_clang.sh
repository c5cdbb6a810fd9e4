#!/usr/bin/env bash
# Compiles the folders of src/ that need no LibTorch with clang 16 and runs clang-tidy on them (.clang-tidy). The build
# uses g++, so this also finds what only clang warns about. Each folder is compiled as one unit, which saves most of the
# time.
#     tools/check_clang.sh              all of them (about a minute on two cores)
#     tools/check_clang.sh --changed    the folders with changes since the last commit
set -euo pipefail
cd "$(dirname "$0")/.."
command -v clang-tidy-16 > /dev/null || { echo "clang-tidy-16 is missing: run tools/setup.sh style" >&2; exit 1; }
# The list of layers without LibTorch: set(light_layers …) in cmake/Program.cmake.
mapfile -t folders < <(tr -s ' \n' ' ' < cmake/Program.cmake | sed -n 's/.*set(light_layers \([^)]*\)).*/\1/p' | tr ' ' '\n')
if ((${#folders[@]} < 2)); then echo "clang: no list light_layers in cmake/Program.cmake" >&2; exit 1; fi
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
