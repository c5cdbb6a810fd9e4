# The commands of every day. `make demo` and `make test` start from a bare Debian 12 and do nothing twice.
JOBS ?= $(shell nproc)

.PHONY: help setup oracle build test style
help:  ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10
setup:  ## install what is missing (Debian packages, the engine)
	@tools/setup.sh
oracle:  ## the same, and the Python libraries that checks and benchmarks compare with
	@tools/setup.sh oracle
build: setup  ## build/lethe
	@cmake --preset release > build.log 2>&1 || (cat build.log; false)
	@rm -f build.log
	@cmake --build build -j $(JOBS)
test: build  ## all fast tests
	@ctest --test-dir build --output-on-failure
style: setup  ## formatting and the order of the layers
	@tools/check_style.sh
	@python3 tools/check_layers.py
