#!/usr/bin/env python3
"""Makes the bundle of `make gpu` and runs all of its steps on the CPU at small shapes, in less than three minutes.

tools/gpu/rehearse.py --build build --engine .venv/lib/python3.11/site-packages/torch
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NAMES = [
    "tests",
    "rates",
    "checkpoints",
    "lora",
    "lora_nf4",
    "full",
    "decoding_1",
    "decoding_4",
    "decoding_16",
    "peer_lora",
    "peer_decoding",
    "peer_full",
]
NEED_PYTHON = {"rates", "peer_lora", "peer_decoding", "peer_full"}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--engine", type=pathlib.Path, required=True)
    parser.add_argument("--peer", type=pathlib.Path, default=ROOT / "../shared/peer/hf_sku.py")
    args = parser.parse_args()
    oracle = ROOT / ".venv-oracle/bin/python"  # has torch, transformers and peft (make oracle)
    python = oracle if oracle.exists() else sys.executable
    with tempfile.TemporaryDirectory() as folder:
        bundle, out = pathlib.Path(folder) / "gpu", pathlib.Path(folder) / "out"
        subprocess.run([ROOT / "tools/gpu/bundle.sh", args.build.resolve(), bundle, args.peer], check=True)
        done = subprocess.run(
            [python, bundle / "run.py", "--dry", "--engine", args.engine, "--out", out, "--seconds", "560"], check=False
        )
        steps = json.loads((out / "gpu.json").read_text())["steps"]
        table = (out / "gpu.md").read_text()
    assert list(steps) == NAMES, list(steps)
    for name, found in steps.items():
        if python != oracle and name in NEED_PYTHON:
            continue
        failure = found.get("failure", "")
        assert not failure or failure.startswith("not compared"), f"{name}: {failure}"
    assert not steps["tests"]["failed"] and steps["tests"]["passed"] > 10, steps["tests"]
    for name in ("lora", "lora_nf4", "full"):
        assert steps[name]["tokens_s"] > 0 and len(steps[name]["losses"]) == 12, steps[name]
    peer = steps["peer_lora"]
    if "failure" not in peer:
        assert peer["same_rows"], "hf_sku.py drew other rows"
    assert table.count("\n| ") >= 8, table
    assert done.returncode == 0 or python != oracle, done.returncode


if __name__ == "__main__":
    main()
