#!/usr/bin/env bash
# Installs the wheel into a fresh virtual environment, checks that it needs no library of this machine but those of C and
# C++, and runs the tests of tests/python: with huggingface_hub, and after `make oracle` also with transformers and PEFT.
# About a minute. LibTorch comes from the environment that is there, instead of a second copy of a gigabyte.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/make_wheel.sh
rm -rf .venv-fresh
python3 -m venv --without-pip .venv-fresh
site=$(echo "$PWD"/.venv-fresh/lib/python3*/site-packages)
engine=$(echo "$PWD"/.venv/lib/python3*/site-packages)
clients=$(echo "$PWD"/.venv-clients/lib/python3*/site-packages)
if [[ -f .venv-oracle/.installed ]]; then  # its torch can be imported
  clients=$(echo "$PWD"/.venv-oracle/lib/python3*/site-packages)
  engine=$clients
fi
.venv-wheel/bin/python -m pip --python .venv-fresh/bin/python install --quiet --no-deps --disable-pip-version-check dist/*.whl
ln -s "$engine/torch" "$engine/nvidia" "$site/"
echo "$clients" > "$site/clients.pth"

# Libraries outside the environment: only the C and C++ ones, and zlib, which Python itself needs.
if ldd "$site/lethe/bin/lethe" "$site/lethe/lib/lethe/liblethe_engine.so" | grep 'not found'; then
  echo "wheel: these libraries are not found"; exit 1
fi
outside=$(ldd "$site/lethe/bin/lethe" "$site/lethe/lib/lethe/liblethe_engine.so" | sed -n 's/.* => \(.*\) (.*/\1/p' |
  sort -u | grep -v -e "^$site/" -e "^$engine/" \
    -e '/\(libc\|libm\|libdl\|libpthread\|librt\|libresolv\|libutil\|libstdc++\|libgcc_s\|libz\|ld-linux-x86-64\)\.so' || true)
if [[ -n $outside ]]; then echo "wheel: libraries that another machine may lack:"; echo "$outside"; exit 1; fi
if readelf -d "$site/lethe/bin/lethe" "$site/lethe/lib/lethe/liblethe_engine.so" | grep PATH | grep -F "$PWD"; then
  echo "wheel: the search path of libraries names folders of this machine"; exit 1
fi

.venv-fresh/bin/lethe --version > /dev/null
for file in man/man1/lethe.1 bash-completion/completions/lethe zsh/site-functions/_lethe fish/vendor_completions.d/lethe.fish; do
  if [[ ! -s .venv-fresh/share/$file ]]; then echo "wheel: no share/$file"; exit 1; fi
done
(cd tests/python && ../../.venv-fresh/bin/python -W ignore::UserWarning -m unittest 2>&1 | grep -v '^Loading weights')
echo "wheel: a fresh environment runs it"
