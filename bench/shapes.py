#!/usr/bin/env python3
"""Time and peak memory of two training steps on the shapes of the paper's models, with the recipes that Lethe ships.

For each model this writes a checkpoint with random float16 weights, a made-up tokenizer of the right vocabulary size,
and made-up pairs as long as those of PKU-SafeRLHF and TruthfulQA. Time and memory of a step depend on shapes and
lengths, not on the values. Then `lethe unlearn` runs two steps of the shipped recipe, and of the same recipe with
settings that need less memory. A run that does not fit the free memory or disk is skipped; its row says what it needs.

Everything lies under one folder (default .cache/shapes). A checkpoint is removed after its model's runs, and the
folder at the end, unless --keep is given. After an interruption the same command continues: finished runs are not
repeated.
"""
import argparse
import array
import dataclasses
import json
import math
import os
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SHARD = 4 * 10**9  # bytes of one file of a checkpoint, about
PAIRS = 40  # harmful and normal ones; 70% of them are trained on
BATCH, K = 2, 5  # as in the recipes: responses in a step are BATCH · (K + 1)


@dataclasses.dataclass
class Model:
    name: str
    family: str  # llama or opt
    recipe: str
    width: int
    inner: int
    layers: int
    heads: int
    vocabulary: int
    positions: int
    runs: list  # settings in addition to the recipe's, one list for each run
    dtype: str = "F16"  # or BF16

    def config(self):
        common = {"hidden_size": self.width, "num_hidden_layers": self.layers, "num_attention_heads": self.heads,
                  "vocab_size": self.vocabulary, "max_position_embeddings": self.positions,
                  "torch_dtype": "bfloat16" if self.dtype == "BF16" else "float16"}
        if self.family == "opt":
            return common | {"architectures": ["OPTForCausalLM"], "model_type": "opt", "ffn_dim": self.inner,
                             "word_embed_proj_dim": self.width, "do_layer_norm_before": True, "dropout": 0.0,
                             "activation_function": "relu", "bos_token_id": 2, "pad_token_id": 1, "eos_token_id": 2}
        return common | {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "intermediate_size": self.inner,
                         "num_key_value_heads": self.heads, "rms_norm_eps": 1e-5, "tie_word_embeddings": False,
                         "hidden_act": "silu", "bos_token_id": 1, "eos_token_id": 2}

    def tensors(self):
        """Shapes by name, in the order of the file."""
        w = self.width
        if self.family == "opt":  # the head is tied
            top = "model.decoder."
            shapes = {top + "embed_tokens.weight": [self.vocabulary, w],
                      top + "embed_positions.weight": [self.positions + 2, w],
                      top + "final_layer_norm.weight": [w], top + "final_layer_norm.bias": [w]}
            maps = {f"self_attn.{p}_proj": [w, w] for p in "qkv"}
            maps |= {"self_attn.out_proj": [w, w], "fc1": [self.inner, w], "fc2": [w, self.inner]}
            for layer in range(self.layers):
                for name, shape in maps.items():
                    shapes[f"{top}layers.{layer}.{name}.weight"] = shape
                    shapes[f"{top}layers.{layer}.{name}.bias"] = shape[:1]
                for norm in ("self_attn_layer_norm", "final_layer_norm"):
                    shapes[f"{top}layers.{layer}.{norm}.weight"] = shapes[f"{top}layers.{layer}.{norm}.bias"] = [w]
            return shapes
        shapes = {"model.embed_tokens.weight": [self.vocabulary, w], "lm_head.weight": [self.vocabulary, w],
                  "model.norm.weight": [w]}
        maps = {f"self_attn.{p}_proj": [w, w] for p in "qkvo"}
        maps |= {"mlp.gate_proj": [self.inner, w], "mlp.up_proj": [self.inner, w], "mlp.down_proj": [w, self.inner]}
        for layer in range(self.layers):
            for name, shape in (maps | {"input_layernorm": [w], "post_attention_layernorm": [w]}).items():
                shapes[f"model.layers.{layer}.{name}.weight"] = shape
        return shapes


LESS = [["tuning=lora"], ["tuning=lora", "quantize=nf4"], ["tuning=lora", "quantize=nf4", "training.recompute=true"]]
MODELS = [
    Model("tiny-opt", "opt", "opt-2.7b", 64, 256, 2, 4, 1024, 2048, [[], *LESS]),
    Model("tiny-llama", "llama", "llama-2-7b", 64, 192, 2, 4, 1024, 4096, [[], *LESS[1:]]),
    Model("OPT-2.7B", "opt", "opt-2.7b", 2560, 10240, 32, 32, 50272, 2048, [[], LESS[0], LESS[1]]),
    Model("LLaMA-2-7B", "llama", "llama-2-7b", 4096, 11008, 32, 32, 32000, 4096, [[], *LESS[1:]]),
    Model("LLaMA-2-13B", "llama", "llama-2-13b", 5120, 13824, 40, 40, 32000, 4096, [[], *LESS[1:]]),
]


def numbers_in(shape):
    return math.prod(shape)


def checkpoint_size(model):
    return 2 * sum(map(numbers_in, model.tensors().values()))


def tuning_of(model, settings):
    own = re.search(r"^tuning: (\w+)", (ROOT / f"recipes/{model.recipe}.yaml").read_text(), re.M).group(1)
    return next((s.split("=")[1] for s in settings if s.startswith("tuning=")), own)


def memory_needed(model, settings, tokens):
    """Estimate in bytes, in float32: the weights and their training state, and the activations that layers keep."""
    shapes = model.tensors()
    every = sum(map(numbers_in, shapes.values()))
    ends = sum(numbers_in(shape) for name, shape in shapes.items() if ".layers." not in name)
    if tuning_of(model, settings) == "full":
        weights = 16 * every  # weights, gradients, two moments
    elif "quantize=nf4" in settings:
        weights = 0.5625 * (every - ends) + 4 * ends
    else:
        weights = 4 * every
    a_layer = 16 * 4 * model.width * tokens  # sixteen vectors of the model's width: counted in runs of bench/memory.py
    kept = a_layer * model.layers
    if "training.recompute=true" in settings:
        kept = a_layer + 4 * model.width * tokens * model.layers
    return weights + kept + 0.5e9


def disk_needed(model, settings):
    """Bytes that a run writes: the result; full tuning also writes a snapshot (weights and two moments in float32)."""
    every = sum(map(numbers_in, model.tensors().values()))
    return 14 * every if tuning_of(model, settings) == "full" else 0.2e9


def memory_free():
    return next(int(line.split()[1]) * 1024 for line in open("/proc/meminfo") if line.startswith("MemAvailable"))


def packed(dtype, values):
    if dtype == "F16":
        return struct.pack(f"<{len(values)}e", *values)
    words = array.array("H", struct.pack(f"<{len(values)}f", *values))
    return words[1::2].tobytes()  # bfloat16: the upper half of a float32


class RandomValues:
    """16-bit values, normal with a standard deviation of 0.02: one block, read again and again. Its length is a prime
    number, so that no two rows of a matrix are equal."""

    def __init__(self, dtype):
        draw = random.Random(0)
        count = 1048583
        self.dtype = dtype
        self.block = packed(dtype, [draw.gauss(0, 0.02) for _ in range(count)])
        self.at = 0

    def write(self, file, size):
        while size > 0:
            part = self.block[self.at:self.at + size]
            file.write(part)
            size -= len(part)
            self.at = (self.at + len(part)) % len(self.block)


def write_file(path, tensors, values):
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name, shape in tensors.items():
        end = offset + 2 * numbers_in(shape)
        header[name] = {"dtype": values.dtype, "shape": shape, "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    partial = path.with_suffix(".partial")
    with open(partial, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for name, shape in tensors.items():
            if len(shape) > 1:
                values.write(file, 2 * numbers_in(shape))
            else:  # norms 1, biases 0
                file.write(packed(values.dtype, [1.0 if name.endswith("weight") else 0.0]) * shape[0])
    partial.rename(path)


def shards_of(model):
    shards, size = [{}], 0
    for name, shape in model.tensors().items():
        if size > 0 and size + 2 * numbers_in(shape) > SHARD:
            shards.append({})
            size = 0
        shards[-1][name] = shape
        size += 2 * numbers_in(shape)
    return shards


def words_of(model):
    """Special tokens with their family's ids, the words of the template, then made-up words."""
    special = ["<s>", "<pad>", "</s>", "<unk>"] if model.family == "opt" else ["<unk>", "<s>", "</s>"]
    words = special + ["###", "Question", "Answer", ":"]
    return special, words + [f"w{i}" for i in range(len(words), model.vocabulary)]


def write_tokenizer(model, folder):
    special, words = words_of(model)
    (folder / "tokenizer.json").write_text(json.dumps({
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "post_processor": None,
        "decoder": None,
        "added_tokens": [{"id": i, "content": word, "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": True} for i, word in enumerate(special)],
        "pre_tokenizer": {"type": "Whitespace"},
        "model": {"type": "WordLevel", "vocab": {word: i for i, word in enumerate(words)}, "unk_token": "<unk>"}}))


def write_checkpoint(model, folder):
    """Keeps the finished files of an interrupted call, because their weights are random anyway."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(model.config()))
    write_tokenizer(model, folder)
    shards, values, places = shards_of(model), RandomValues(model.dtype), {}
    for number, tensors in enumerate(shards, 1):
        name = "model.safetensors" if len(shards) == 1 else f"model-{number:05}-of-{len(shards):05}.safetensors"
        places |= dict.fromkeys(tensors, name)
        if not (folder / name).exists():
            write_file(folder / name, tensors, values)
    if len(shards) > 1:
        index = {"metadata": {"total_size": checkpoint_size(model)}, "weight_map": places}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))


# Tokens of the shortest text, of the texts at 10%, 50% and 90%, and of the longest. Harmful: as in PKU-SafeRLHF with
# LLaMA-2's tokenizer, without a few very long texts. Normal: as TruthfulQA's questions and best answers.
LENGTHS = {"harmful": {"prompt": (5, 9, 15, 37, 60), "response": (8, 22, 71, 136, 200)},
           "normal": {"prompt": (5, 8, 12, 22, 40), "response": (4, 6, 12, 19, 30)}}


def lengths(points):
    """PAIRS lengths, evenly spaced between the points."""
    at, found = (0, 0.1, 0.5, 0.9, 1), []
    for i in range(PAIRS):
        share = (i + 0.5) / PAIRS
        part = next(n for n in range(4) if share <= at[n + 1])
        inside = (share - at[part]) / (at[part + 1] - at[part])
        found.append(round(points[part] + inside * (points[part + 1] - points[part])))
    return found


def write_pairs(model, folder):
    draw = random.Random(1)
    words = words_of(model)[1][8:]
    likely = [1 / rank for rank in range(1, len(words) + 1)]  # as in natural language: few words make up most of a text
    for name, texts in LENGTHS.items():
        sizes = {key: draw.sample(lengths(points), PAIRS) for key, points in texts.items()}
        with open(folder / f"{name}.jsonl", "w", encoding="utf-8") as out:
            for i in range(PAIRS):
                row = {key: " ".join(draw.choices(words, likely, k=size[i])) for key, size in sizes.items()}
                out.write(json.dumps(row) + "\n")


def tokens_of_a_step():
    """An estimate with a margin of a fifth, because a step may draw long responses."""
    def mean(name, key):
        return sum(lengths(LENGTHS[name][key])) / PAIRS

    template = 7
    harmful = mean("harmful", "prompt") + template + (K + 1) * mean("harmful", "response")
    return 1.2 * BATCH * (harmful + mean("normal", "prompt") + template + mean("normal", "response"))


def name_of_run(model, settings):
    return "-".join([model.name.lower(), *(re.sub(r"[^a-z0-9]+", "_", setting) for setting in settings)])


def gigabytes(size):
    return f"{size / 1e9:.1f} GB"


def run(args, model, settings, folder):
    """The columns of a row after the recipe. A small file keeps them, so that a finished run is not repeated."""
    kept = args.folder / "done" / (name_of_run(model, settings) + ".json")
    if kept.exists():
        return json.loads(kept.read_text())
    out = args.folder / "out"
    for left in (out, out.with_suffix(".unfinished")):
        shutil.rmtree(left, ignore_errors=True)
    command = [args.lethe, "unlearn", ROOT / f"recipes/{model.recipe}.yaml", "--model", folder, "--out", out,
               "--harmful", args.folder / "harmful.jsonl", "--normal", args.folder / "normal.jsonl",
               "--threads", args.threads, "--quiet", *settings,
               "training.steps=2", "training.snapshot_minutes=0", "evaluation.prompts=0", "evaluation.judge=none"]
    print(f"{name_of_run(model, settings)}: running", file=sys.stderr, flush=True)
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode == 130:
        raise KeyboardInterrupt
    dtype = "float32 on NF4" if "quantize=nf4" in settings else "float32"
    if done.returncode != 0:
        (args.folder / "failed.log").write_text(done.stderr)
        reason = " ".join(done.stderr.split())[:160]
        return [dtype, "", "", "", f"failed, exit status {done.returncode}: {reason}"]
    steps = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    record = json.loads((out / "run.json").read_text())
    if not all(math.isfinite(step["loss"]) for step in steps):
        sys.exit(f"{name_of_run(model, settings)}: the loss is not finite")
    seconds, tokens = (sorted(step[key] for step in steps) for key in ("seconds", "tokens"))
    columns = [dtype, f"{tokens[0]:,} to {tokens[-1]:,}", f"{seconds[0]:.3g} to {seconds[-1]:.3g}",
               gigabytes(record["peak_rss_bytes"]), f"done in {record['seconds']:.0f} s"]
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(columns))
    shutil.rmtree(out)
    return columns


def obstacle(args, model, settings, checkpoint_there):
    """The reason why a run does not fit into memory or disk; empty if it fits."""
    memory, free = memory_needed(model, settings, tokens_of_a_step()), memory_free()
    if memory > free:
        return f"not run: needs about {gigabytes(memory)} of memory, {gigabytes(free)} are free"
    disk = disk_needed(model, settings)
    if not checkpoint_there:
        disk += checkpoint_size(model)
    free = shutil.disk_usage(args.folder).free
    return f"not run: needs about {gigabytes(disk)} of disk, {gigabytes(free)} are free" if 1.05 * disk > free else ""


def rows_of(args, model):
    folder = args.folder / model.name
    write_pairs(model, args.folder)
    for settings in model.runs:
        name = f"`recipes/{model.recipe}.yaml`" + "".join(f" `{setting}`" for setting in settings)
        known = (args.folder / "done" / (name_of_run(model, settings) + ".json")).exists()
        reason = "" if known else obstacle(args, model, settings, (folder / "complete").exists())
        if reason:
            columns = ["", "", "", "", reason]
        else:
            if not known and not (folder / "complete").exists():
                print(f"{model.name}: writing a random checkpoint", file=sys.stderr, flush=True)
                write_checkpoint(model, folder)
                (folder / "complete").write_text("")
            columns = run(args, model, settings, folder)
        yield " | ".join(["", model.name, name, *columns, ""]).strip()
    if not args.keep:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="opt,llama", help="beginnings of model names: tiny, opt, llama-2-7b, …")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / ".cache/shapes", help="for this program alone")
    parser.add_argument("--keep", action="store_true", help="keep checkpoints and results")
    parser.add_argument("--lethe", default=str(ROOT / "build/lethe"))
    parser.add_argument("--threads", default=os.cpu_count())
    args = parser.parse_args()
    wanted = tuple(args.only.lower().split(","))
    models = [model for model in MODELS if model.name.lower().startswith(wanted)]
    if not models:
        parser.error("--only: one of " + ", ".join(model.name for model in MODELS))
    args.folder = args.folder.resolve()
    mark = args.folder / ".lethe-shapes"
    if args.folder.exists() and any(args.folder.iterdir()) and not mark.exists():
        parser.error(f"--folder {args.folder} holds files of something else")
    args.folder.mkdir(parents=True, exist_ok=True)
    mark.write_text("bench/shapes.py made this folder and removes it.\n")
    print(f"{args.threads} threads, {gigabytes(memory_free())} of memory free; random float16 weights, two steps\n")
    print("| model | recipe | dtype | tokens a step | seconds a step | peak memory | result |")
    print("|---|---|---|---:|---:|---:|---|", flush=True)
    failed = False
    for model in models:
        for row in rows_of(args, model):
            print(row, flush=True)
            failed = failed or "| failed" in row
    if not args.keep and not failed:
        shutil.rmtree(args.folder)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        print("interrupted; the same command continues", file=sys.stderr)
        sys.exit(130)
