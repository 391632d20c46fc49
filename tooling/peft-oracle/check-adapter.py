"""Loads a model and an adapter that `moda export` wrote with transformers and PEFT, and prints logits that moda's can be compared with.

    moda export my-run -O base-folder ...        # or any Hugging Face folder that the adapter was trained on
    moda export my-lora-run --format peft -O adapter-folder
    moda export my-lora-run --merge -O merged-folder
    python3 check-adapter.py base-folder adapter-folder merged-folder [logits.json]

The adapter on the base must give the logits of the merged model, and other logits than the base alone. With a fourth argument the
logits of all positions are written there, with the ids. Written with peft 0.21, transformers 5.18 and torch 2.13.
"""

import json
import sys

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

IDS = [1, 7, 12, 5, 9, 3, 20, 14, 8]


def logits(model):
    model.eval()
    with torch.no_grad():
        return model(torch.tensor([IDS])).logits[0].float()


def main(base, adapter, merged, out=None):
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    without = logits(plain)
    adapted = logits(PeftModel.from_pretrained(plain, adapter))
    together = logits(AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32))
    largest = together.abs().max().item()
    error = (adapted - together).abs().max().item() / largest
    change = (adapted - without).abs().max().item() / largest
    print(f"adapter on base against merged: {error:.2e} of the largest logit; against the base alone: {change:.2e}")
    if out:
        with open(out, "w") as file:
            json.dump({"ids": IDS, "shape": list(adapted.shape), "logits": adapted.flatten().tolist()}, file)
    if not error < 1e-5 or not change > 1e-4:
        sys.exit("the adapter is not what was merged")


if __name__ == "__main__":
    main(*sys.argv[1:])
