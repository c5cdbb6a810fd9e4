#!/usr/bin/env bash
# Installs build/ into a temporary folder, builds examples/ against the installed CMake package, and runs the example for
# two training steps. Under a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
quietly() { "$@" > "$folder/log" 2>&1 || { cat "$folder/log"; exit 1; }; }
quietly cmake --install build --prefix "$folder/installed"
quietly cmake -S examples -B "$folder/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$folder/installed"
quietly cmake --build "$folder/build"
quietly "$folder/installed/bin/lethe" demo --data-only --out "$folder/demo"
# The installed program finds the shipped judges from any folder.
(cd "$folder" && installed/bin/lethe judge list) > "$folder/judges"
for judge in facts qwen3guard wildguard strongreject; do
  if ! grep -q "^$judge " "$folder/judges"; then echo "package: no judge $judge:"; cat "$folder/judges"; exit 1; fi
done
for file in man/man1/lethe.1 bash-completion/completions/lethe zsh/site-functions/_lethe fish/vendor_completions.d/lethe.fish; do
  if [[ ! -s $folder/installed/share/$file ]]; then echo "package: no share/$file"; exit 1; fi
done
bash -n "$folder/installed/share/bash-completion/completions/lethe"
"$folder/build/unlearn" assets/demo "$folder/demo/data/harmful.jsonl" "$folder/demo/data/normal.jsonl" "$folder/run" \
  training.steps=2 training.batch=2 data.max_length=96 negation.alpha=0.1 evaluation.judge=refusal \
  evaluation.prompts=4 evaluation.max_new_tokens=8 > "$folder/printed" 2> "$folder/errors" || { cat "$folder/errors"; exit 1; }
# The library itself must print nothing, and the run folder must be complete.
if [[ -s $folder/errors ]]; then echo "package: unexpected on stderr:"; cat "$folder/errors"; exit 1; fi
rm -f build/install_manifest.txt  # it names the temporary folder
if ! grep -q '^done: ' "$folder/printed"; then echo "package: the example did not finish:"; cat "$folder/printed"; exit 1; fi
for file in model/model.safetensors results.json; do
  if [[ ! -s $folder/run/$file ]]; then echo "package: no run/$file"; exit 1; fi
done
echo "package: the example builds against the installed library and runs"
