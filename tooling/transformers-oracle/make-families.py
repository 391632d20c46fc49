"""Logits and greedy text of small models of every family, computed by transformers (written with 5.18 and torch 2.13).

A case is a config.json as transformers writes it, or as older releases did (`RAW`), the names and shapes of the tensors that
it saves, the logits at a few positions, and what greedy decoding says next. Weights are not stored: both sides make them from
a hash of name and index (`values`), so the file stays small.

    python3 make-families.py ../../packages/models/test/families.json.gz [case ...]
"""

import base64
import gzip
import json
import math
import os
import sys
import tempfile
import zlib

import numpy
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM

IDS = [3, 14, 15, 9, 26, 5, 3, 28, 9, 7, 9, 3, 23]
ROWS = [0, 4, 8, 12]
V = 29

BASE = dict(
    vocab_size=V, hidden_size=24, intermediate_size=28, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
    max_position_embeddings=64, pad_token_id=None, bos_token_id=None, eos_token_id=None,
)
FULL, LOCAL = "full_attention", "sliding_attention"
LONG = dict(
    rope_type="longrope", short_factor=[1.0, 1.1, 1.3], long_factor=[1.5, 2.5, 4.0], original_max_position_embeddings=8,
)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)
YARN = dict(rope_type="yarn", factor=4.0, original_max_position_embeddings=16)
GPT2 = dict(
    vocab_size=V, n_positions=32, n_embd=24, n_layer=3, n_head=4, pad_token_id=None, bos_token_id=None, eos_token_id=None,
)
NEOX = {**{k: v for k, v in BASE.items() if k != "num_key_value_heads"}, "intermediate_size": 40, "hidden_size": 32}


def llama(**changes):
    return "llama", {**BASE, **changes}


CASES = {
    "llama": llama(),
    "llama, tied, head size of its own, eps": llama(head_dim=10, tie_word_embeddings=True, rms_norm_eps=0.01),
    "llama, attention biases": llama(attention_bias=True),
    "llama, mlp biases": llama(mlp_bias=True),
    "llama, gelu": llama(hidden_act="gelu"),
    "llama, theta": llama(rope_parameters=dict(rope_type="default", rope_theta=500.0)),
    "llama, llama3": llama(rope_parameters=dict(LLAMA3, rope_theta=1000.0), head_dim=16),
    "llama, linear": llama(rope_parameters=dict(rope_type="linear", factor=2.5)),
    "llama, dynamic within": llama(rope_parameters=dict(rope_type="dynamic", factor=2.0)),
    "llama, dynamic beyond": llama(rope_parameters=dict(rope_type="dynamic", factor=2.0), max_position_embeddings=9),
    "llama, yarn": llama(rope_parameters=dict(YARN, rope_theta=100.0), head_dim=16),
    "llama, yarn, every field": llama(
        rope_parameters=dict(YARN, beta_fast=8, beta_slow=2, attention_factor=1.3, truncate=False, rope_theta=50.0), head_dim=16
    ),
    "llama, yarn, mscale": llama(rope_parameters=dict(YARN, mscale=1.2, mscale_all_dim=0.7), head_dim=16),
    "llama, longrope": llama(rope_parameters=dict(LONG, factor=4.0)),
    "mistral, window": ("mistral", {**BASE, "sliding_window": 4}),
    "mistral, no window": ("mistral", {**BASE, "sliding_window": None}),
    "qwen2": ("qwen2", BASE),
    "qwen2, tied, window in later layers": (
        "qwen2", {**BASE, "tie_word_embeddings": True, "use_sliding_window": True, "sliding_window": 3, "max_window_layers": 1},
    ),
    "qwen2, yarn": ("qwen2", {**BASE, "rope_parameters": dict(YARN, rope_theta=1e6), "num_key_value_heads": 4}),
    "qwen2, layer types": (
        "qwen2", {**BASE, "use_sliding_window": True, "sliding_window": 3, "layer_types": [LOCAL, FULL, LOCAL]},
    ),
    "qwen3": ("qwen3", {**BASE, "head_dim": 8}),
    "qwen3, biases, window": (
        "qwen3", {**BASE, "head_dim": 8, "attention_bias": True, "use_sliding_window": True, "sliding_window": 4, "max_window_layers": 2},
    ),
    "smollm3": ("smollm3", {**BASE, "num_hidden_layers": 5}),
    "smollm3, untied, layers, window, biases": (
        "smollm3",
        {**BASE, "tie_word_embeddings": False, "no_rope_layers": [0, 1, 1], "use_sliding_window": True, "sliding_window": 3,
         "attention_bias": True, "mlp_bias": True},
    ),
    "smollm3, yarn": ("smollm3", {**BASE, "no_rope_layer_interval": 2, "rope_parameters": dict(YARN, rope_theta=5e6)}),
    "gpt2": ("gpt2", GPT2),
    "gpt2, flags": (
        "gpt2", {**GPT2, "scale_attn_weights": False, "scale_attn_by_inverse_layer_idx": True, "reorder_and_upcast_attn": True},
    ),
    "gpt2, inverse layer, n_inner, untied": (
        "gpt2", {**GPT2, "scale_attn_by_inverse_layer_idx": True, "n_inner": 30, "tie_word_embeddings": False},
    ),
    **{
        f"gpt2, {name}": ("gpt2", {**GPT2, "activation_function": name, "n_layer": 1})
        for name in ["gelu", "relu", "silu", "tanh", "quick_gelu", "gelu_fast", "gelu_pytorch_tanh", "relu2", "sigmoid"]
    },
    "olmo2": ("olmo2", BASE),
    "olmo2, biases, linear": ("olmo2", {**BASE, "attention_bias": True, "rope_parameters": dict(rope_type="linear", factor=2.0)}),
    "olmo3": ("olmo3", {**BASE, "num_hidden_layers": 5, "sliding_window": 4}),
    "olmo3, yarn, tied": (
        "olmo3",
        {**BASE, "tie_word_embeddings": True, "sliding_window": 3, "layer_types": [LOCAL, FULL, LOCAL],
         "rope_parameters": {FULL: dict(YARN, rope_theta=5e5), LOCAL: dict(rope_type="default", rope_theta=5e5)}},
    ),
    "granite": (
        "granite",
        {**BASE, "embedding_multiplier": 3.0, "residual_multiplier": 0.22, "attention_multiplier": 0.3, "logits_scaling": 4.0},
    ),
    "granite, defaults, tied, biases": ("granite", {**BASE, "attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}),
    "phi3": ("phi3", BASE),
    "phi3, window, tied": ("phi3", {**BASE, "sliding_window": 4, "tie_word_embeddings": True}),
    "phi3, longrope beyond": ("phi3", {**BASE, "rope_parameters": LONG, "original_max_position_embeddings": 8}),
    "phi3, longrope within": (
        "phi3",
        {**BASE, "rope_parameters": dict(LONG, original_max_position_embeddings=32), "original_max_position_embeddings": 32},
    ),
    "phi3, part of a head, longrope": (
        "phi3",
        {**BASE, "hidden_size": 32, "original_max_position_embeddings": 8, "rope_parameters": dict(LONG, partial_rotary_factor=0.75)},
    ),
    "gemma": ("gemma", {**BASE, "head_dim": 8}),
    "gemma2": ("gemma2", {**BASE, "head_dim": 8, "sliding_window": 4, "query_pre_attn_scalar": 12,
                          "attn_logit_softcapping": 1.5, "final_logit_softcapping": 2.5}),
    "gemma2, no caps, layers, untied, biases": (
        "gemma2",
        {**BASE, "head_dim": 8, "sliding_window": 3, "layer_types": [FULL, LOCAL, FULL], "attn_logit_softcapping": None,
         "final_logit_softcapping": None, "tie_word_embeddings": False, "attention_bias": True},
    ),
    "gemma3": ("gemma3_text", {**BASE, "head_dim": 8, "num_hidden_layers": 7, "sliding_window": 4}),
    "gemma3, linear, layers, cap": (
        "gemma3_text",
        {**BASE, "head_dim": 8, "sliding_window": 3, "layer_types": [LOCAL, FULL, LOCAL], "final_logit_softcapping": 2.0,
         "query_pre_attn_scalar": 20,
         "rope_parameters": {FULL: dict(rope_type="linear", factor=8.0, rope_theta=1e6), LOCAL: dict(rope_type="default", rope_theta=1e4)}},
    ),
    "gpt_neox": ("gpt_neox", NEOX),
    "gpt_neox, one after the other, all rotates, tied": (
        "gpt_neox", {**NEOX, "use_parallel_residual": False, "tie_word_embeddings": True,
                     "rope_parameters": dict(rope_type="default", partial_rotary_factor=1.0, rope_theta=300.0)},
    ),
    "gpt_neox, no attention biases, gelu_fast, linear": (
        "gpt_neox", {**NEOX, "attention_bias": False, "hidden_act": "gelu_fast",
                     "rope_parameters": dict(rope_type="linear", factor=2.0, partial_rotary_factor=0.5)},
    ),
}

# config.json as hubs have them, written by older releases: (model_type, keys).
RAW = {
    "old llama 3.1": ("llama", {**BASE, "head_dim": 16, "rope_theta": 1000.0, "rope_scaling": LLAMA3}),
    "old llama, linear by type": ("llama", {**BASE, "rope_scaling": {"type": "linear", "factor": 2.5}, "num_key_value_heads": None}),
    "old mistral, nothing said": (
        "mistral", {**{k: v for k, v in BASE.items() if k != "num_key_value_heads"}, "num_attention_heads": 8, "hidden_size": 32, "rope_theta": 100.0},
    ),
    "old qwen2": ("qwen2", {**BASE, "rope_theta": 1e6, "sliding_window": 131072, "max_window_layers": 21, "use_sliding_window": False}),
    "old phi3, longrope by type": ("phi3", {**BASE, "original_max_position_embeddings": 8, "attention_bias": False,
                              "rope_scaling": {"type": "longrope", "short_factor": [1.0, 1.1, 1.3], "long_factor": [1.5, 2.5, 4.0]}}),
    "old gemma": ("gemma", {**BASE, "head_dim": 8, "hidden_act": "gelu", "hidden_activation": None}),
    "old gemma2": ("gemma2", {**BASE, "head_dim": 8, "hidden_act": "gelu_pytorch_tanh", "hidden_activation": "gelu_pytorch_tanh",
                              "sliding_window": 4, "sliding_window_size": 4, "cache_implementation": "hybrid"}),
    "old gemma3": ("gemma3_text", {**BASE, "head_dim": 8, "num_hidden_layers": 4, "sliding_window": 4, "sliding_window_pattern": 2,
                                   "rope_theta": 1000000.0, "rope_local_base_freq": 5000.0,
                                   "rope_scaling": {"rope_type": "linear", "factor": 8.0}}),
    "old olmo3": ("olmo3", {**BASE, "num_hidden_layers": 4, "sliding_window": 3, "rope_theta": 500000,
                            "rope_scaling": dict(YARN, attention_factor=1.2, beta_fast=32, beta_slow=1)}),
    "old gpt_neox": ("gpt_neox", {**NEOX, "rotary_pct": 0.5, "rotary_emb_base": 1000, "use_cache": True}),
}


def values(name, shape, norm_base):
    """Numbers that name and index decide: 32 bits of a hash, so that every language makes the same."""
    count = math.prod(shape)
    x = (numpy.arange(count, dtype=numpy.uint64) * 2654435761 + zlib.crc32(name.encode())) & 0xFFFFFFFF
    for shift, factor in [(16, 0x85EBCA6B), (13, 0xC2B2AE35)]:
        x ^= x >> numpy.uint64(shift)
        x = (x * numpy.uint64(factor)) & 0xFFFFFFFF
    x ^= x >> numpy.uint64(16)
    unit = x.astype(numpy.float64) / 2.0**31 - 1
    if len(shape) == 2:
        result = unit * (2.0 / math.sqrt(shape[1]))
    else:
        is_norm = name.endswith(".weight")
        result = 0.5 * unit + (norm_base if is_norm else 0)
    return torch.from_numpy(result.astype(numpy.float32)).reshape(shape)


def run(model_type, keys, raw):
    torch.manual_seed(0)
    norm_base = 0 if model_type.startswith("gemma") else 1
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "config.json")
        config = AutoConfig.for_model(model_type, **keys)
        AutoModelForCausalLM.from_config(config).save_pretrained(folder)
        if raw:
            with open(path, "w") as file:
                json.dump({"model_type": model_type, **keys}, file)
        with open(path) as file:
            written = json.load(file)
        weights = os.path.join(folder, "model.safetensors")
        tensors = {name: values(name, tuple(x.shape), norm_base) for name, x in load_file(weights).items()}
        save_file(tensors, weights, {"format": "pt"})
        model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()
        ids = torch.tensor([IDS])
        with torch.no_grad():
            logits = model(ids).logits[0]
            greedy = model.generate(ids, max_new_tokens=8, do_sample=False, attention_mask=torch.ones_like(ids))
        return {
            "config": written,
            "shapes": {name: list(x.shape) for name, x in tensors.items()},
            "normBase": norm_base,
            "logits": base64.b64encode(logits[ROWS].numpy().astype("<f4").tobytes()).decode(),
            "largest": float(logits.abs().max()),
            "greedy": greedy[0, len(IDS):].tolist(),
        }


def main(out, wanted):
    cases = {}
    for raw, table in [(False, CASES), (True, RAW)]:
        for name, (model_type, keys) in table.items():
            if wanted and name not in wanted:
                continue
            try:
                cases[name] = run(model_type, keys, raw)
            except Exception as error:
                sys.exit(f"{name}: {type(error).__name__}: {error}")
    text = json.dumps({"ids": IDS, "rows": ROWS, "vocabSize": V, "cases": cases}, separators=(",", ":"))
    with open(out, "wb") as file:
        file.write(gzip.compress(text.encode(), 9, mtime=0))
    print(f"{len(cases)} cases, {os.path.getsize(out)} bytes")


if __name__ == "__main__":
    main(sys.argv[1], set(sys.argv[2:]))
