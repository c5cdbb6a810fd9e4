#!/usr/bin/env bash
# Installs what building Lethe needs: Debian packages, and LibTorch from the PyPI wheel ("the engine"). Skips what is
# already installed, and needs the network only for what is missing.
#     tools/setup.sh            packages and engine
#     tools/setup.sh style      also clang-tidy and ruff, for `make style`
#     tools/setup.sh cuda       also the CUDA libraries that the engine needs on a GPU (4 GB)
#     tools/setup.sh parquet    also Apache Arrow, for the optional Parquet component
#     tools/setup.sh fuzz       also clang, for `make fuzz`
#     tools/setup.sh bench      also Google Benchmark, for `make kernels`
#     tools/setup.sh oracle     also the Python libraries with which acceptance checks and benchmarks compare Lethe
#     tools/setup.sh harness    also openai and lm-evaluation-harness, with which `make clients` tests `lethe serve`
#     tools/setup.sh real       also what `make real-model` needs to read a GGUF file
#     tools/setup.sh wheel      also what `make wheel` needs
#     tools/setup.sh release    also what `make release` needs
#     tools/setup.sh llama      also llama.cpp, compiled (10 minutes), for `make gguf` and bench/decoding.py
#     tools/setup.sh clients    also what `make check-wheel` needs: huggingface_hub, unless the oracles are installed
set -euo pipefail
cd "$(dirname "$0")/.."

lists=(tools/packages.txt)
if [[ ${1:-} == fuzz ]]; then lists+=(tools/fuzz_packages.txt); fi
if [[ ${1:-} == style ]]; then lists+=(tools/style_packages.txt); fi
if [[ ${1:-} == bench ]]; then lists+=(tools/bench_packages.txt); fi
missing=()
while read -r package; do
  [[ -z $package || $package == \#* ]] && continue
  dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
done < <(cat "${lists[@]}")
if ((${#missing[@]})); then
  echo "setup: installing Debian packages: ${missing[*]}"
  as_root=()
  if [[ $EUID -ne 0 ]]; then
    command -v sudo > /dev/null || { echo "setup: run as root, or install sudo; wanted: apt-get install ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" > /dev/null
fi

# venv FOLDER REQUIREMENTS [pip options…]: creates the virtual environment again when the requirements file has changed.
venv() {
  local folder=$1 requirements=$2
  shift 2
  local stamp="$folder/.installed" wanted
  wanted=$(sha256sum < "$requirements")
  [[ -f $stamp && $(< "$stamp") == "$wanted" ]] && return
  echo "setup: installing into $folder: $(grep -v '^#' "$requirements" | tr '\n' ' ')"
  [[ -x $folder/bin/python ]] || python3 -m venv "$folder"
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@" -r "$requirements"
  echo "$wanted" > "$stamp"
}
# The CUDA wheels go into the engine's own folder, where libtorch_cuda.so looks for them. They stay with later calls.
engine=tools/engine.txt
if [[ ${1:-} == cuda || -f .venv/engine_cuda.txt ]]; then
  mkdir -p .venv
  engine=.venv/engine_cuda.txt
  cat tools/engine.txt tools/engine_cuda.txt > "$engine"
fi
venv .venv "$engine" --no-deps
if [[ ${1:-} == style ]]; then venv .venv-style tools/style.txt; fi
if [[ ${1:-} == parquet ]]; then venv .venv-parquet tools/parquet.txt --no-deps; fi
if [[ ${1:-} == oracle ]]; then venv .venv-oracle tools/oracle.txt; fi
# Without llama.cpp's library for images.
if [[ ${1:-} == llama ]]; then CMAKE_ARGS="-DLLAVA_BUILD=OFF ${CMAKE_ARGS:-}" venv .venv-llama tools/llama.txt; fi
if [[ ${1:-} == real ]]; then venv .venv-real tools/real.txt; fi
# lm-evaluation-harness's hf backend uses the oracles' torch and transformers: Python must see them.
if [[ ${1:-} == harness ]]; then
  venv .venv-oracle tools/oracle.txt
  [[ -x .venv-harness/bin/python ]] || python3 -m venv .venv-harness
  echo "$PWD"/.venv-oracle/lib/python3*/site-packages > "$(echo .venv-harness/lib/python3*/site-packages)/oracle.pth"
  venv .venv-harness tools/harness.txt --no-deps
fi
if [[ ${1:-} == wheel || ${1:-} == clients || ${1:-} == release ]]; then venv .venv-wheel tools/wheel.txt; fi
if [[ ${1:-} == release ]]; then venv .venv-release tools/release.txt; fi
if [[ ${1:-} == clients && ! -f .venv-oracle/.installed ]]; then venv .venv-clients tools/clients.txt --no-deps; fi
