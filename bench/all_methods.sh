#!/usr/bin/env bash
# Every method of `lethe methods` on the table's data (docs/results/further_methods.md).
#   bench/all_methods.sh DATA WORK [PYTHON]     (WORK: the folder of bench/table.sh; about two hours on one thread)
#   SEEDS=8888 bench/all_methods.sh …         one seed (40 minutes)
. "$(dirname "$0")/parts.sh" "$@"
reproduce_on base/model all --methods all --seeds "${SEEDS:-8888,2,3}" --rates 2e-4,5e-4 --budgets 0.3,0.1
