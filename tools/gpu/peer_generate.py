#!/usr/bin/env python3
"""Tokens per second of transformers' generate(), greedy, for several numbers of rows. Prints one JSON line."""

import argparse
import json
import time

import torch
from transformers import AutoModelForCausalLM

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("--model", required=True)
parser.add_argument("--device", default="cuda")
parser.add_argument("--dtype", default="bfloat16")
parser.add_argument("--new-tokens", type=int, default=128)
parser.add_argument("--rows", type=int, nargs="+", default=[1, 32, 256])
args = parser.parse_args()
model = AutoModelForCausalLM.from_pretrained(args.model, dtype=getattr(torch, args.dtype)).to(args.device).eval()
wait = torch.cuda.synchronize if args.device == "cuda" else lambda: None


def answer(rows, count):
    ids = torch.randint(10, 1000, (rows, 32), device=args.device)
    with torch.inference_mode():
        model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            min_new_tokens=count,
            max_new_tokens=count,
            do_sample=False,
            pad_token_id=0,
        )
    wait()


rates = []
for rows in args.rows:
    answer(rows, 4)
    begin = time.perf_counter()
    answer(rows, args.new_tokens)
    rates.append({"rows": rows, "tokens_s": rows * args.new_tokens / (time.perf_counter() - begin)})
print(json.dumps({"rates": rates}))
