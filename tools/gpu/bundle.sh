#!/usr/bin/env bash
# tools/gpu/bundle.sh BUILD OUT [PEER]: puts into OUT what a machine with a GPU and without a compiler needs: the program,
# its GPU tests, the Debian libraries that they use, and the script run.py. LibTorch and its CUDA libraries are not
# included: that machine's Python has them.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$1 out=$2 peer=${3:-}
new=$out.new
rm -rf "$new"
mkdir -p "$new/lib" "$new/bench"
programs=("$build/lethe" "$build/liblethe_engine.so" "$build/tests/lethe_test_gpu")
for program in "${programs[@]}"; do strip -o "$new/$(basename "$program")" "$program"; done
# The C and C++ run-time libraries are left out: they are part of every system, and those of a newer one are compatible.
ldd "${programs[@]}" | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u |
  grep -Ev '/(torch|nvidia)/|/(libc|libm|libdl|librt|libpthread|libresolv|libutil|libstdc\+\+|libgcc_s)\.so' |
  while read -r library; do cp -L "$library" "$new/lib/"; done
cp tools/gpu/{run,machine,report,peer_generate}.py "$new/"
cp bench/arithmetic.py bench/shapes.py "$new/bench/"
if [[ -n $peer && -f $peer ]]; then cp "$peer" "$new/hf_sku.py"; fi
rm -rf "$out"
mv "$new" "$out"
echo "$out: $(du -sh "$out" | cut -f1)"
