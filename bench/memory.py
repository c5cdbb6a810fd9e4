#!/usr/bin/env python3
"""Estimates the peak memory of stage 1 on LLaMA-2's shapes from two small runs: one layer and three layers in bfloat16.

Half of the difference is the memory of a layer. The estimate is all layers plus the memory outside the layers. It is the
resident set of a CPU run: a GPU would hold the same weights, adapters and activations, and in addition its context and
kernels. Settings: LoRA rank 32 on q and v, batch 2, k 5, rows from the data folder, at most 512 tokens.

7B: one process. 7B-full: all weights train, on one rank of eight that share the model (training.shard), with a stand-in
for the other seven (bench/one_rank.cpp), so that their memory is not needed. 70B: the same with LoRA. One step with rows
of a few tokens, since a layer takes two cores long: activations are hardly counted.
"""
import argparse
import csv
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import tempfile

import numpy
from commands import shaped_like_llama

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHAPES = {
    "7B": {"layers": 32, "width": 4096, "inner": 11008, "heads": 32, "kv_heads": 32},
    "13B": {"layers": 40, "width": 5120, "inner": 13824, "heads": 40, "kv_heads": 40},
    "70B": {"layers": 80, "width": 8192, "inner": 28672, "heads": 64, "kv_heads": 8},
}
RANKS = 8
LORA = ["tuning=lora", "lora.rank=32"]


def checkpoint(folder, model, layers, tokenizer):
    """Writes the model's names and shapes with fewer layers: bfloat16 weights of one random pool, norms 1."""
    begin, tensors = shaped_like_llama(folder, dtype="BF16", **{**SHAPES[model], "layers": layers})
    pool = numpy.random.default_rng(0).standard_normal(1 << 22, dtype=numpy.float32) * 0.02
    matrix, norm = ((values.view(numpy.uint32) >> 16).astype(numpy.uint16) for values in (pool, numpy.ones(1, numpy.float32)))
    with open(folder / "model.safetensors", "r+b") as file:
        file.seek(begin)
        for shape in tensors.values():
            left = int(numpy.prod(shape))
            values = matrix if len(shape) > 1 else numpy.resize(norm, left)
            while left > 0:
                file.write(values[:left].tobytes())
                left -= len(values)
    shutil.copy(tokenizer / "tokenizer.json", folder)


def plan(data, file, micro_batches, batch=2, k=5):
    """Writes the rows of a few steps. Reading whole data sets would need more memory than a model of one layer."""
    with open(data / "pku_saferlhf/train.jsonl", encoding="utf-8") as lines:
        harmful = [(row["prompt"], row["response_0"]) for row in map(json.loads, itertools.islice(lines, micro_batches * batch * (k + 1)))]
    with open(data / "truthfulqa/TruthfulQA.csv", encoding="utf-8-sig", newline="") as rows:
        normal = [(row["Question"], row["Best Answer"]) for row in itertools.islice(csv.DictReader(rows), micro_batches * batch)]
    drawn = iter([response for _, response in harmful[micro_batches * batch:]])
    with open(file, "w", encoding="utf-8") as out:
        for micro in range(micro_batches):
            part = slice(micro * batch, (micro + 1) * batch)
            out.write(json.dumps({"harmful": harmful[part], "random": [list(itertools.islice(drawn, k)) for _ in range(batch)], "normal": normal[part]}) + "\n")


def peak(model, out, rows, settings, environment=None):
    """The peak memory in bytes, and the tokens of the largest micro-batch."""
    subprocess.run([ROOT / "build/lethe", "unlearn", f"data.plan={rows}", "negation.alpha=1",
                    "evaluation.prompts=0", "dtype=bfloat16", "--quiet", *settings, "--model", model, "--out", out],
                   check=True, env={**os.environ, **(environment or {})})
    steps = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    size = json.loads((out / "run.json").read_text())["peak_rss_bytes"]
    shutil.rmtree(out)
    return size, max(step["tokens"] for step in steps)


def estimate(name, model, folder, settings, environment=None, micro_batches=1):
    """Prints a row from runs of one layer and of three."""
    (one, tokens), (three, _) = (peak(folder / f"{model}-{n}", folder / "out", folder / "plan.jsonl", settings, environment) for n in (1, 3))
    layer, layers = (three - one) / 2, SHAPES[model]["layers"]
    print(f"| {name} | {(one - layer) / 1e9:.2f} | {layer / 1e9:.3f} | {(one + (layers - 1) * layer) / 1e9:.1f} | {tokens // micro_batches} |", flush=True)


def one_process(folder):
    print("| LoRA on 7B shapes | outside the layers, GB | a layer, GB | 32 layers, GB | tokens a step |\n|---|---:|---:|---:|---:|")
    recompute, nf4 = "training.recompute=true", "quantize=nf4"
    for name, settings in (("bfloat16", []), ("bfloat16, training.recompute", [recompute]), ("quantize: nf4", [nf4]), ("quantize: nf4, training.recompute", [nf4, recompute])):
        estimate(name, "7B", folder, [*LORA, "training.steps=3", *settings])


def one_of_eight(folder, model, what, kinds):
    subprocess.run(["c++", "-std=c++20", "-O2", "-shared", "-fPIC", "-I", ROOT / "src", ROOT / "bench/one_rank.cpp", "-o", folder / "one_rank.so"], check=True)
    row = {"harmful": [["Hi?", "No."]], "random": [["Yes."]], "normal": [["Who?", "Me."]]}
    (folder / "plan.jsonl").write_text((json.dumps(row) + "\n") * RANKS)
    environment = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": str(RANKS), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29500", "LETHE_GLOO": str(folder / "one_rank.so")}
    print(f"| {what} on {model} shapes, a rank of {RANKS} | outside the layers, GB | a layer, GB | {SHAPES[model]['layers']} layers, GB | tokens a micro-batch |\n|---|---:|---:|---:|---:|")
    for name, settings in kinds.items():
        estimate(name, model, folder, ["training.shard=true", f"training.accumulate={RANKS}", "training.steps=1", *settings], environment, RANKS)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, type=pathlib.Path)
    parser.add_argument("--model", choices=("7B", "7B-full", "70B"), action="append", help="only this one; 70B takes 7 GB of disk and 10 GB of memory")
    args = parser.parse_args()
    for kind in args.model or ["7B", "7B-full", "70B"]:
        model = kind.removesuffix("-full")
        with tempfile.TemporaryDirectory() as temporary:
            folder = pathlib.Path(temporary)
            for layers in (1, 3):
                checkpoint(folder / f"{model}-{layers}", model, layers, args.data / "tokenizers/llama2")
            if kind == "7B":
                plan(args.data, folder / "plan.jsonl", 3)
                one_process(folder)
            elif kind == "7B-full":
                one_of_eight(folder, model, "Full tuning", {"bfloat16, training.shard": ["tuning=full", "training.snapshot_minutes=0"]})
            else:
                one_of_eight(folder, model, "LoRA", {"bfloat16, training.shard": LORA, "quantize: nf4, training.shard": [*LORA, "quantize=nf4"]})


if __name__ == "__main__":
    main()
