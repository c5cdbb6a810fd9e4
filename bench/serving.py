#!/usr/bin/env python3
"""Loads `lethe serve` with many clients for a while, and compares its rate with that of others on the same prompts.

Each client sends one request after another: greedy completions of --tokens tokens, every fourth one streamed. Answers are
compared with those that the server gives to the same prompts one at a time, so that a mixed-up row counts as an error.
There are two peers. One (--peer-python) is transformers' generate() in one process: prompt by prompt, and in padded
batches of as many prompts as there are clients. It makes the same number of tokens for each prompt. The other
(--llama-python and --gguf) is llama-cpp-python's server under the same clients, none of them streaming: it does not say
how many tokens a stream had. It answers one request at a time.

    bench/serving.py --model DIR --peer-python .venv-oracle/bin/python
    bench/serving.py --model DIR --llama-python .venv-llama/bin/python --gguf FILE
"""
import argparse
import http.client
import json
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
BEGINNINGS = ["Once upon a time", "The little dog", "Where does", "In the morning Tom", "A big tree", "The sun"]
ENDS = ["", " was happy.", " and the old man went to the market to buy", " said", " had a red ball. One day", " is"]
PROMPTS = [a + b for a in BEGINNINGS for b in ENDS]


def completion(address, body):
    """The text of a completion and its number of tokens."""
    connection = http.client.HTTPConnection(address, timeout=300)
    connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
    reply = connection.getresponse()
    if reply.status != 200:
        raise RuntimeError(f"status {reply.status}: {reply.read(300)!r}")
    if not body.get("stream"):
        found = json.loads(reply.read())
        return found["choices"][0]["text"], found["usage"]["completion_tokens"]
    text, tokens, ended = "", 0, False
    for line in reply:
        if not line.startswith(b"data: "):
            continue
        if line.strip() == b"data: [DONE]":
            ended = True
            break
        event = json.loads(line[6:])
        text += "".join(choice["text"] for choice in event["choices"])
        tokens = (event.get("usage") or {}).get("completion_tokens", tokens)
    if not ended:
        raise RuntimeError("the stream ended early")
    return text, tokens


def request_of(args, prompt, stream=False):
    body = {"model": "model", "prompt": prompt, "max_tokens": args.tokens, "temperature": 0}
    return body | ({"stream": True, "stream_options": {"include_usage": True}} if stream else {})


def load(args, name, address, wanted=None):
    """Sends requests from all clients until the time is over. wanted: the texts that a client alone gets, if compared."""
    lock, until = threading.Lock(), time.monotonic() + args.seconds
    seconds, tokens, errors, different = [], 0, [], 0

    def client(number):
        nonlocal tokens, different
        for i in range(1 << 30):
            if time.monotonic() > until:
                return
            prompt = PROMPTS[(number * 7 + i) % len(PROMPTS)]
            start = time.monotonic()
            try:
                text, made = completion(address, request_of(args, prompt, stream=wanted and (number + i) % 4 == 0))
            except Exception as error:  # counted, and the first ones printed
                with lock:
                    errors.append(f"{type(error).__name__}: {error}")
                continue
            with lock:
                seconds.append(time.monotonic() - start)
                tokens += made
                different += bool(wanted) and text != wanted[prompt]

    start = time.monotonic()
    threads = [threading.Thread(target=client, args=(number,)) for number in range(args.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.monotonic() - start
    compared = f"{different} other texts than alone, " if wanted else ""
    print(f"{name}: {args.clients} clients, {wall:.0f} s: {len(seconds)} answers, {len(errors)} errors, {compared}"
          f"{tokens / wall:.0f} tokens/s, median {statistics.median(seconds):.2f} s, longest {max(seconds):.2f} s",
          flush=True)
    for error in errors[:3]:
        print("  " + error)
    return len(errors) + different


def serve_and_load(args):
    environment = dict(os.environ, OMP_NUM_THREADS=str(args.threads))
    server = subprocess.Popen([args.lethe, "serve", f"model={args.model}", "--port", "0", "--api-only", "--quiet",
                               "--dtype", args.dtype, "--batch", str(args.clients)], stdout=subprocess.PIPE, text=True, env=environment)
    try:
        address = server.stdout.readline().strip().removeprefix("http://")
        wanted = {prompt: completion(address, request_of(args, prompt))[0] for prompt in PROMPTS}
        return load(args, f"lethe serve, {args.dtype}", address, wanted)
    finally:
        server.terminate()
        server.wait()


def load_llama(args):
    """llama-cpp-python's server, once it answers."""
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        port = any_port.getsockname()[1]
    command = [args.llama_python, "-m", "llama_cpp.server", "--model", args.gguf, "--port", str(port), "--n_ctx", "2048"]
    command += ["--n_threads", str(args.threads), "--n_threads_batch", str(args.threads), "--verbose", "false"]
    # Without this, a new request ends the one that is being answered.
    command += ["--interrupt_requests", "false"]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        address, until = f"127.0.0.1:{port}", time.monotonic() + 60
        while True:
            try:
                completion(address, request_of(args, PROMPTS[0]))
                break
            except OSError:
                if time.monotonic() > until or server.poll() is not None:
                    sys.exit("llama-cpp-python's server does not answer")
                time.sleep(0.2)
        load(args, "llama-cpp-python's server", address)
    finally:
        server.terminate()
        server.wait()


def peer(args):
    import torch
    import transformers

    torch.set_num_threads(args.threads)
    tokenizer = transformers.AutoTokenizer.from_pretrained(args.model, padding_side="left")
    tokenizer.pad_token = tokenizer.pad_token or tokenizer.eos_token
    model = transformers.AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()
    for batch in (1, args.clients):
        tokens, i, start = 0, 0, time.monotonic()
        while time.monotonic() - start < args.seconds:
            texts = [PROMPTS[(i + k) % len(PROMPTS)] for k in range(batch)]
            rows = tokenizer(texts, return_tensors="pt", padding=True)
            with torch.inference_mode():
                out = model.generate(**rows, max_new_tokens=args.tokens, do_sample=False, pad_token_id=tokenizer.pad_token_id)
            new = out[:, rows["input_ids"].shape[1]:]
            # Tokens after the first end of text are padding.
            tokens += sum(len(row) if not (ends := (row == tokenizer.eos_token_id).nonzero()).numel() else int(ends[0])
                          for row in new)
            i += batch
        wall = time.monotonic() - start
        print(f"transformers {transformers.__version__}, batches of {batch}: {i} answers in {wall:.0f} s, "
              f"{tokens / wall:.0f} tokens/s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--lethe", default=str(ROOT / "build/lethe"))
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--dtype", default="float32", help="of lethe serve")
    parser.add_argument("--peer-python", help="a Python with transformers")
    parser.add_argument("--llama-python", help="a Python with llama-cpp-python's server")
    parser.add_argument("--gguf", help="the model as GGUF, for it")
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        peer(args)
        return
    failed = serve_and_load(args)
    if args.peer_python:
        subprocess.run([args.peer_python, __file__, *sys.argv[1:], "--peer"], check=True)
    if args.llama_python:
        load_llama(args)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
