#!/usr/bin/env python3
"""Estimates the peak memory of stage 1 on LLaMA-2-7B's shapes from two small runs: one layer and three layers of width 4096
in bfloat16.

Half of the difference is the memory of a layer. The estimate is 32 layers plus the memory outside the layers. It is the
resident set of a CPU run: a GPU would hold the same weights, adapters and activations, and in addition its context and
kernels. Settings: LoRA rank 32 on q and v, batch 2, k 5, rows from the data folder, at most 512 tokens.
"""
import argparse
import csv
import itertools
import json
import pathlib
import shutil
import subprocess
import tempfile

import numpy
from commands import shaped_like_7b

ROOT = pathlib.Path(__file__).resolve().parent.parent
LAYERS = 32


def checkpoint(folder, layers, tokenizer):
    """Writes LLaMA-2-7B's names and shapes with fewer layers; random bfloat16 weights, norms 1."""
    begin, tensors = shaped_like_7b(folder, layers, "BF16")
    random = numpy.random.default_rng(0)
    with open(folder / "model.safetensors", "r+b") as file:
        file.seek(begin)
        for shape in tensors.values():
            values = random.standard_normal(shape, dtype=numpy.float32) * 0.02 if len(shape) > 1 else numpy.ones(shape, numpy.float32)
            file.write((values.view(numpy.uint32) >> 16).astype(numpy.uint16).tobytes())
    shutil.copy(tokenizer / "tokenizer.json", folder)


def plan(data, file, steps=3, batch=2, k=5):
    """Writes the rows of a few steps. Reading whole data sets would need more memory than a model of one layer."""
    with open(data / "pku_saferlhf/train.jsonl", encoding="utf-8") as lines:
        harmful = [(row["prompt"], row["response_0"]) for row in map(json.loads, itertools.islice(lines, steps * batch * (k + 1)))]
    with open(data / "truthfulqa/TruthfulQA.csv", encoding="utf-8-sig", newline="") as rows:
        normal = [(row["Question"], row["Best Answer"]) for row in itertools.islice(csv.DictReader(rows), steps * batch)]
    drawn = iter([response for _, response in harmful[steps * batch:]])
    with open(file, "w", encoding="utf-8") as out:
        for step in range(steps):
            part = slice(step * batch, (step + 1) * batch)
            out.write(json.dumps({"harmful": harmful[part], "random": [list(itertools.islice(drawn, k)) for _ in range(batch)], "normal": normal[part]}) + "\n")


def peak(model, out, rows, settings):
    """The peak memory in bytes, and the tokens of the largest step."""
    subprocess.run([ROOT / "build/lethe", "unlearn", "tuning=lora", "lora.rank=32", f"data.plan={rows}", "training.steps=3", "negation.alpha=1",
                    "evaluation.prompts=0", "dtype=bfloat16", "--quiet", *settings, "--model", model, "--out", out], check=True)
    steps = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    size = json.loads((out / "run.json").read_text())["peak_rss_bytes"]
    shutil.rmtree(out)
    return size, max(step["tokens"] for step in steps)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for layers in (1, 3):
            checkpoint(folder / f"layers{layers}", layers, pathlib.Path(args.data) / "tokenizers/llama2")
        plan(pathlib.Path(args.data), folder / "plan.jsonl")
        print("| LoRA on 7B shapes | outside the layers, GB | one layer, GB | 32 layers, GB | tokens a step |\n|---|---:|---:|---:|---:|")
        for name, settings in (("bfloat16", []), ("bfloat16, training.recompute", ["training.recompute=true"]), ("quantize: nf4", ["quantize=nf4"]),
                               ("quantize: nf4, training.recompute", ["quantize=nf4", "training.recompute=true"])):
            (one, tokens), (three, _) = (peak(folder / f"layers{n}", folder / "out", folder / "plan.jsonl", settings) for n in (1, 3))
            layer = (three - one) / 2
            print(f"| {name} | {(one - layer) / 1e9:.2f} | {layer / 1e9:.3f} | {(one + (LAYERS - 1) * layer) / 1e9:.1f} | {tokens} |", flush=True)


if __name__ == "__main__":
    main()
