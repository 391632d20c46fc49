"""Random runs of torch.optim.SGD, in f32 and f64, for momentum-optimizer.test.ts. torch 1.13: python3 make-cases.py > cases.json, then biome check --write"""
import json
import random

import torch

rng = random.Random(7)
cases = []
for index in range(24):
    momentum = 0.0 if index % 4 == 0 else round(rng.uniform(0.1, 0.99), 3)
    options = {
        "lr": round(10 ** rng.uniform(-3, 0), 4),
        "momentum": momentum,
        "nesterov": momentum > 0 and index % 2 == 1,
        "weightDecay": 0.0 if index % 3 == 0 else round(rng.uniform(0.01, 0.5), 3),
    }
    generator = torch.Generator().manual_seed(index)
    start = torch.randn(2, 3, generator=generator)
    steps = 1 + index % 6
    grads = torch.randn(steps, 2, 3, generator=generator)
    # A step without a gradient leaves the parameter and its momentum as they are.
    present = [step == 0 or rng.random() < 0.8 for step in range(steps)]
    after = {}
    for name, dtype in (("f32", torch.float32), ("f64", torch.float64)):
        weight = torch.nn.Parameter(start.to(dtype))
        optimizer = torch.optim.SGD([weight], lr=options["lr"], momentum=momentum, nesterov=options["nesterov"], weight_decay=options["weightDecay"])
        for step in range(steps):
            weight.grad = grads[step].to(dtype) if present[step] else None
            optimizer.step()
        after[name] = weight.detach().flatten().tolist()
    cases.append({**options, "start": start.flatten().tolist(), "grads": [g.flatten().tolist() if p else None for g, p in zip(grads, present)], **after})
print(json.dumps(cases))
