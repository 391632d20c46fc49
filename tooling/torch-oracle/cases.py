"""Inputs of the oracle's cases: numbers from hashes, seen through views. The same as `values.ts` beside the cases."""
import math

import numpy as np
import torch

SPECIAL = [math.nan, math.inf, -math.inf, -0.0, 0.0, 1e30, -1e30, 1e-30, 65504.0, 1e5, -1e5, 3e38]
FINITE = [v for v in SPECIAL if math.isfinite(v)]
NOT_BELOW = [v for v in SPECIAL if v != -math.inf]
WIDE = [0, 1, -1, 2**31 - 1, -(2**31), 16777217, 46341, 65536, 123456789, -16777217]


def hashes(seed, n):
    """n hashes of 32 bits, the same as `hash` of values.ts."""
    with np.errstate(over='ignore'):
        h = np.uint32((seed * 0x9E3779B1) & 0xFFFFFFFF) + np.arange(n, dtype=np.uint32) * np.uint32(0x85EBCA77)
        h ^= h >> np.uint32(15)
        h *= np.uint32(0x2C1B3C6D)
        h ^= h >> np.uint32(12)
        h *= np.uint32(0x297A2D39)
        h ^= h >> np.uint32(15)
    return h.astype(np.int64)


def value_of(profile, h):
    """The number that a hash is in a profile; every one is an f32 (or a 32-bit integer)."""
    kind = profile[0]
    normal = (((h >> 8) & 0xFFFF) - 32768) / 8192
    pick = h & 31
    if kind == 'n':  # [-4, 4)
        return normal
    if kind == 'p':  # (0, 4]
        return (((h >> 8) & 0xFFFF) + 1) / 16384
    if kind == 't':  # ties
        return h % 5 - 2
    if kind == 'b':  # 0 or 1
        return h & 1
    if kind in 'sfr':  # one in three special, or of those the finite ones, or all but -Infinity
        table = {'s': SPECIAL, 'f': FINITE, 'r': NOT_BELOW}[kind]
        return float(np.float32(table[pick])) if pick < len(table) else normal
    if kind == 'a':  # angles of every size
        return (-1) ** (h & 1) * (1 + ((h >> 8) & 0xFFFF) / 65536) * 2.0 ** ((h >> 1) % 100 - 3)
    if kind == 'l':  # large logits that differ by little
        return 100000 + (h >> 8) % 4
    if kind == 'g':  # huge ties
        return 1e30 if pick < 16 else -1.0
    if kind == 'i':  # small integers
        return h % 101 - 50
    if kind == 'u':
        return h % 101
    if kind == 'w':  # i32 of every size
        return WIDE[pick] if pick < len(WIDE) else (h ^ 0x80000000) - 0x80000000
    if kind == 'v':  # u32 of every size
        return WIDE[pick] & 0xFFFFFFFF if pick < len(WIDE) else h
    if kind == 'k':  # ids below a number
        return h % int(profile[1:])
    if kind == 'K':  # the same, one in four -100
        return -100 if h & 3 == 0 else (h >> 4) % int(profile[1:])
    raise ValueError(profile)


def base_values(spec):
    shape, profile, seed, _dtype, _views, _wants, patches = spec
    if isinstance(profile, list):
        values = np.array(profile, dtype=np.float64)
    else:
        kind = {'g': np.float32}.get(profile[0], np.float64)
        values = np.array([value_of(profile, int(h)) for h in hashes(seed, math.prod(shape))], dtype=kind).astype(np.float64)
    for start, end, value in patches:
        values[start:end] = {'nan': math.nan, 'inf': math.inf}[value]
    return values.reshape(shape)


def seen(base, views):
    """The tensor that an operator gets: views of memory, one after the other."""
    for kind, *args in views:
        if kind == 'T':
            base = base.permute(args[0])
        elif kind == 'S':
            base = base[tuple(slice(a, b) for a, b in zip(*args))]
        else:
            base = base.expand(args[0])
    return base



def gradient_of(step, n, like):
    """The gradient of parameter n at a step of an optimiser."""
    values = base_values([list(like.shape), 'n', 8000 + 10 * step + n, 'f32', [], False, []])
    return torch.tensor(values).to(like.dtype)
