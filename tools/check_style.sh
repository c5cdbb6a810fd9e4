#!/usr/bin/env bash
# Checks formatting (.clang-format), the length of files, and Python code (ruff.toml).
set -euo pipefail
cd "$(dirname "$0")/.."
mapfile -t files < <(git ls-files 'src/*.h' 'src/*.cpp' 'tests/*.h' 'tests/*.cpp' 'bench/*.cpp' 'fuzz/*.cpp' 'examples/*.cpp')
clang-format --dry-run -Werror "${files[@]}"
bad=0
for file in "${files[@]}"; do
  lines=$(wc -l < "$file")
  if ((lines > 450)); then echo "$file: $lines lines; split it"; bad=1; fi
  if [[ $file == *.h ]] && ! grep -q '^#pragma once' "$file"; then echo "$file: no #pragma once"; bad=1; fi
done
.venv-style/bin/ruff check --quiet --no-cache tools bench tests python || bad=1
((bad == 0)) && echo "style: ${#files[@]} files in order"
exit "$bad"
