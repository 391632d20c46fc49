#!/usr/bin/env python3
"""
Makes the random cases that hold every operator to PyTorch: packages/tensor/test/torch-oracle/cases.jsonl.gz.

    python3 tooling/torch-oracle/make-cases.py           # PyTorch 1.13 or later, CPU; about two minutes
    python3 tooling/torch-oracle/make-cases.py rmsNorm   # judges only these operators' cases anew

A case is one line of JSON: an operator, its parameters, its inputs and what PyTorch makes of them. Inputs are not stored: value i
of an input is a hash of (seed, i), shaped by a profile (`value_of` here, `values.ts` there), and arrives through a view of larger
memory (transposed, sliced, expanded). Results are not stored either, but for each output and each gradient
  - a digest of the f64 values: a weighted sum, and another over which elements are NaN or infinite. It holds the `reference`
    device to 1e-11; the reference's own values then hold the others, element by element;
  - the tolerance of f32 devices: 20 times the error of PyTorch's own f32 result, here or at one of two points nearby (the numbers of
    a case have few digits, and f32 may be exact on them by luck), plus a floor of 20 roundings of the value itself, and of sums a few roundings of the
    array's scale or of the terms (up to 4, the scale of what flows into the outputs). Null
    where PyTorch's f32 result has a NaN or an infinity that the f64 result has not: nothing is asked of f32 there.

Where this project's documented meaning is not PyTorch's, the formula here is ours: the gradient of `maximum` and `minimum` goes to
the first operand in a tie, a mean over no counted target is 0, integers wrap to 32 bits, and no case asks what `silu` is at
-Infinity (0 here, NaN there) or the softmax of nothing but -Infinity (0 here).
"""
import gzip
import json
import math
import os
import random
import sys

import numpy as np
import torch

from cases import base_values, hashes, seen
from operators import OPERATORS

SEED = 20260330
ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../..')
OUT = os.path.join(ROOT, 'packages/tensor/test/torch-oracle/cases.jsonl.gz')
HALF_ULP = 2.0 ** -24
TINY = 1e-37  # below the smallest normal f32, which devices may flush to 0
torch.set_num_threads(1)

# --- expected results -----------------------------------------------------------------------------------------------------------

def dtype_of(name, precision):
    return {'f32': precision, 'i32': torch.int32, 'u32': torch.int64}[name]


def nearby(values, place):
    """Factors within 2^-12 of 1: the numbers of a case have few digits, and f32 may be exact on them by luck."""
    return 1 + ((torch.from_numpy(hashes(place, values.numel())) & 0xFFFF) - 32768).reshape(values.shape) / 2.0**27


def evaluate(case, precision, near=0):
    """Outputs and gradients in one precision, as f64 arrays; at a nearby point, which is another for each `near` above 0."""
    bases, tensors = [], []
    for n, spec in enumerate(case['i']):
        values = base_values(spec)
        base = torch.tensor(values).to(dtype_of(spec[3], precision)).contiguous()
        if spec[5]:
            base.requires_grad_()
        bases.append(base)
        x = seen(base, spec[4])
        tensors.append(x * nearby(x, 900 + 10 * near + n).to(x.dtype) if near and spec[3] == 'f32' else x)
    operator = OPERATORS[case['o']]
    outputs = operator.run(case['p'], *tensors)
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    results = [o.detach() for o in outputs]
    if any(b.requires_grad for b in bases):
        skipped = case['p'].get('unused', [])
        used = [n for n, out in enumerate(outputs) if n not in skipped and out.requires_grad]
        weights = [weights_of(n, outputs[n].shape).to(outputs[n].dtype) for n in used]
        if near:
            weights = [w * nearby(w, 950 + 10 * near + n).to(w.dtype) for n, w in zip(used, weights)]
        # In one pass: PyTorch lets gradients of two inputs share memory, and a second pass would add to both at once.
        torch.autograd.backward([outputs[n] for n in used], weights)
        for base in bases:
            if base.requires_grad:
                results.append(base.grad if base.grad is not None else torch.zeros_like(base))
    return [r.detach().to(torch.float64).numpy().reshape(-1) for r in results]


def weights_of(output, shape):
    """The gradient that flows into an output."""
    return torch.tensor(base_values([list(shape), 'n', 7000 + output, 'f32', [], False, []]))


def digest(values):
    """As `digestOf` of digest.ts."""
    if values.size == 0:
        return 0.0, 0.0
    weights = ((hashes(77, values.size) & 0xFFFF) + 65536) / 65536
    finite = np.isfinite(values)
    classes = np.where(np.isnan(values), 1.0, np.where(finite, 0.0, np.where(values > 0, 2.0, 3.0)))
    numbers = np.where(finite, values, 0.0)
    scale = min(1.0, np.abs(numbers).max() or 1.0)
    z = numbers / scale
    size = np.abs(z)
    compressed = np.where(size <= 1, z, np.sign(z) * (1 + np.log(np.maximum(size, 1))))
    return float((weights * compressed).sum()), float((weights * classes).sum())


def tolerance(kind, y64, y32, others, terms):
    """Absolute tolerance of f32 devices beside 20 half units in the last place; None where f32 overflows in PyTorch too."""
    with np.errstate(over='ignore'):
        rounded = y64.astype(np.float32).astype(np.float64)
    same = (np.isnan(rounded) == np.isnan(y32)) & (np.isinf(rounded) == np.isinf(y32))
    if not same.all():
        return None
    finite = np.isfinite(rounded)
    if not finite.any():
        return 0.0
    y, own = rounded[finite], np.abs(y32[finite] - y64[finite])
    scale = np.abs(y).max()
    if kind == 'exact':
        return TINY if scale > 0 else 0.0
    for near64, near32 in others:
        with np.errstate(invalid='ignore'):
            error = np.abs(near32 - near64)[finite]
        own = np.fmax(own, np.where(np.isfinite(error), error, 0))
    floor = {
        'value': min(1.0, scale) * 2.0 ** -23,
        'bounded': min(1.0, max(scale, terms)) * 2.0 ** -21,
        # What cancels leaves the roundings of its terms.
        'terms': max(scale, terms) * 2.0 ** -22,
        'sum': max(scale, terms) * 2.0 ** -22,
    }[kind]
    excess = np.maximum(own - 4 * HALF_ULP * np.abs(y), 0)
    return float(20 * excess.max() + floor + TINY)


def rounded(x):
    return None if x is None else float(f'{x * 1.005:.2e}')


def expected(case):
    """A row for each output and gradient; None where one is nothing but roundings."""
    operator = OPERATORS[case['o']]
    y64 = evaluate(case, torch.float64)
    y32 = evaluate(case, torch.float32)
    places = [] if operator.kind in ('exact', 'terms') else [1, 2]
    near = [(evaluate(case, torch.float64, place), evaluate(case, torch.float32, place)) for place in places]
    rows = []
    gradients = sum(spec[5] for spec in case['i'])
    inputs = np.concatenate([base_values(spec).reshape(-1) for spec in case['i'] if spec[3] == 'f32'] + [np.zeros(1)])
    largest = min(float(np.abs(inputs[np.isfinite(inputs)]).max()), 4)
    gain = operator.gain(case['p'], *[seen(torch.tensor(base_values(spec)), spec[4]) for spec in case['i']]) if operator.gain else 1
    # What is expanded or broadcast has sums for gradients, whatever the operator is.
    adds_up = len(case['i']) > 1 or any(view[0] == 'B' for spec in case['i'] for view in spec[4])
    for n, (a, b) in enumerate(zip(y64, y32)):
        number, classes = digest(a)
        finite = np.abs(a[np.isfinite(a)])
        if operator.kind == 'sum' and finite.size and 0 < finite.max() < 2.0 ** -40:
            return None  # zeros but for the roundings of f64
        is_gradient = n >= len(y64) - gradients
        kind = 'terms' if is_gradient and adds_up and operator.kind != 'sum' else operator.kind
        rows.append([number, classes, rounded(tolerance(kind, a, b, [(x[n], y[n]) for x, y in near], gain * (4 if is_gradient else largest)))])
    return rows


# --- random structure -----------------------------------------------------------------------------------------------------------

class Maker:
    """Random shapes, views and inputs for the operators' generators."""

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.next_seed = 1

    def extent(self, zero=0.03):
        r = self.rng.random()
        return 0 if r < zero else self.rng.choice([1, 1, 2, 2, 3, 3, 4, 5, 7])

    def shape(self, low=0, high=6, most=120, zero=0.03):
        while True:
            shape = [self.extent(zero) for _ in range(self.rng.choice([r for r in [0, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6] if low <= r <= high]))]
            if math.prod(shape) <= most:
                return shape

    def broadcast(self, shape):
        """A shape that broadcasts to `shape`."""
        lead = self.rng.randint(0, len(shape)) if self.rng.random() < 0.3 else 0
        return [1 if self.rng.random() < 0.25 else n for n in shape[lead:]]

    def views(self, shape):
        """Memory, and the views that make a tensor of `shape` of it."""
        base, views = list(shape), []
        if not shape or self.rng.random() < 0.45:
            return base, views
        kind = self.rng.choice('TTSSBX')
        if kind in 'BX' and any(n > 1 for n in base):
            axis = self.rng.choice([a for a, n in enumerate(base) if n > 1])
            views.insert(0, ['B', list(base)])
            base[axis] = 1
        if kind in 'SX':
            grown = [n + self.rng.randint(0, 2) for n in base]
            starts = [self.rng.randint(0, g - n) for g, n in zip(grown, base)]
            views.insert(0, ['S', starts, [s + n for s, n in zip(starts, base)]])
            base = grown
        if kind in 'TX':
            order = list(range(len(base)))
            self.rng.shuffle(order)
            memory = [0] * len(base)
            for place, axis in enumerate(order):
                memory[axis] = base[place]
            views.insert(0, ['T', order])
            base = memory
        return base, views

    def input(self, shape, profile='n', dtype='f32', wants=None, strided=True, patches=()):
        base, views = self.views(shape) if strided else (list(shape), [])
        self.next_seed += 1
        grad = dtype == 'f32' if wants is None else wants
        return [base, profile, self.next_seed, dtype, views, grad, list(patches)]


def is_ours(case):
    """Rows of nothing but -Infinity are another matter here than in PyTorch."""
    if case['o'] not in ('softmax', 'logSoftmax'):
        return True
    base = torch.tensor(base_values(case['i'][0]))
    x = seen(base, case['i'][0][4])
    return x.dim() == 0 or x.numel() == 0 or not bool((x == -math.inf).all(-1).any())


def refresh(names):
    """Judges the stored cases of some operators anew, for a change of theirs that leaves the cases as they are."""
    with gzip.open(OUT, 'rt') as file:
        head, *lines = [json.loads(line) for line in file]
    kept = []
    for case in lines:
        if case['o'] in names:
            case['e'] = expected(case)
        if case['e'] is not None:
            kept.append(json.dumps(case, separators=(',', ':')))
    write({**head, 'cases': len(kept)}, kept)


def write(head, lines):
    text = '\n'.join([json.dumps(head), *lines]) + '\n'
    os.makedirs(os.path.dirname(OUT), exist_ok=True)
    with open(OUT, 'wb') as file:
        with gzip.GzipFile(fileobj=file, mode='wb', compresslevel=9, mtime=0, filename='') as packed:
            packed.write(text.encode())


def main():
    if sys.argv[1:]:
        refresh(sys.argv[1:])
        return
    make = Maker(SEED)
    lines, refused, loose, arrays = [], 0, 0, 0
    for name, operator in OPERATORS.items():
        made = 0
        while made < operator.count:
            params, inputs = operator.make(make)
            case = {'o': name, 'p': params, 'i': inputs}
            try:
                if not is_ours(case):
                    continue
                case['e'] = expected(case)
                if case['e'] is None:
                    continue
            except (RuntimeError, IndexError, ZeroDivisionError):
                refused += 1
                assert refused < 2000, (name, case)
                continue
            loose += sum(row[2] is None for row in case['e'])
            arrays += len(case['e'])
            lines.append(json.dumps(case, separators=(',', ':')))
            made += 1
        print(f'{name}: {made}', flush=True)
    write({'torch': torch.__version__, 'seed': SEED, 'cases': len(lines)}, lines)
    size = os.path.getsize(OUT)
    print(f'{len(lines)} cases, {arrays} arrays of which {loose} are loose, {refused} refused, {size} B')


if __name__ == '__main__':
    main()
