#!/usr/bin/env bash
# The leading methods of the table on seeds that chose nothing, and what an attacker gets back (docs/results.md).
#   bench/fresh_seeds.sh DATA WORK [PYTHON]     (WORK: the folder of bench/table.sh; about 25 minutes on one thread)
. "$(dirname "$0")/parts.sh" "$@"
reproduce_on base/model fresh 'evaluation.attacks=[quantize,relearn]' --methods sku,ga_mismatch \
  --variant "contrast_mismatch method=contrast safe.answers=mismatch" \
  --variant "safe_mismatch method=contrast safe.answers=mismatch safe.ratio=0" \
  --seeds 11,12,13 --rates 2e-4,5e-4 --budgets 0.3,0.1
