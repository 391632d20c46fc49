"""
Every operator with a PyTorch equivalent: how its random cases are made and what they are in PyTorch.

`kind` says how f32 errors are judged: `exact` (the value is one rounding, or none), `value` (each element by itself), `bounded` (as
`value`, but small results are differences of larger numbers), `sum` (sums, whose error depends on the terms) or `terms` (sums that
jump where inputs tie). `make(maker)` gives (parameters, inputs); `run(parameters, *tensors)` the outputs.
"""
import math
from dataclasses import dataclass
from typing import Callable

import torch
import torch.nn.functional as F


@dataclass
class Operator:
    count: int
    kind: str
    make: Callable
    run: Callable
    #: How much larger than the gradients that flow in the terms of the gradients are, from (parameters, *tensors); 1 by default.
    gain: Callable = None


OPERATORS = {}


def operator(name, count, kind, make, run, gain=None):
    OPERATORS[name] = Operator(count, kind, make, run, gain)


def number(m):
    return m.rng.choice([0, 1, -1, 2, 0.5, -2.5, 3.25, 1e5, -1e-3])


def mod_i32(x):
    return ((x.to(torch.int64) + 2**31) % 2**32 - 2**31).to(torch.int32)


def mod_u32(x):
    return x.to(torch.int64) & 0xFFFFFFFF


# --- one float input ------------------------------------------------------------------------------------------------------------

def one(profiles, low=0, high=6):
    def make(m):
        return {}, [m.input(m.shape(low, high), m.rng.choice(profiles))]
    return make


UNARY = {
    'neg': ('exact', 'ntsf', torch.neg),
    'abs': ('exact', 'ntsf', torch.abs),
    'sign': ('exact', 'ntsf', torch.sign),
    'floor': ('exact', 'ntsf', torch.floor),
    'exp': ('value', 'nts', torch.exp),
    'log': ('value', 'ptns', torch.log),
    'sqrt': ('value', 'ptns', torch.sqrt),
    'rsqrt': ('value', 'ptns', torch.rsqrt),
    'reciprocal': ('value', 'ntps', torch.reciprocal),
    'square': ('value', 'ntsf', torch.square),
    'sin': ('bounded', 'nasf', torch.sin),
    'cos': ('bounded', 'nasf', torch.cos),
    'tanh': ('bounded', 'nts', torch.tanh),
    'sigmoid': ('bounded', 'nts', torch.sigmoid),
    'relu': ('exact', 'nts', torch.relu),
    'silu': ('bounded', 'ntr', F.silu),
    'gelu': ('bounded', 'ntr', lambda x: F.gelu(x, approximate='tanh')),
    'geluErf': ('bounded', 'ntr', F.gelu),
}
for _name, (_kind, _profiles, _run) in UNARY.items():
    operator(_name, 230, _kind, one(_profiles), lambda p, x, run=_run: run(x))
operator('notFinite', 120, 'exact', one('ns'), lambda p, x: (~torch.isfinite(x)).to(x.dtype) + 0 * torch.zeros_like(x))


def make_clamp(m):
    a, b = sorted([number(m), number(m)])
    return {'low': a, 'high': b}, [m.input(m.shape(), m.rng.choice('nts'))]


operator('clamp', 260, 'exact', make_clamp, lambda p, x: torch.clamp(x, p['low'], p['high']))
operator('affine', 200, 'sum', lambda m: ({'scale': number(m), 'shift': number(m)}, [m.input(m.shape(), m.rng.choice('ntf'))]),
         lambda p, x: x * p['scale'] + p['shift'])
operator('powScalar', 300, 'value',
         lambda m: ({'exponent': m.rng.choice([0, 1, 2, 3, -1, -2, 0.5, 1.5, -0.5, 7])}, [m.input(m.shape(), m.rng.choice('ptns'))]),
         lambda p, x: x ** p['exponent'])

# --- two float inputs -----------------------------------------------------------------------------------------------------------


def two(profiles, other=None):
    def make(m):
        shape = m.shape()
        shapes = [m.broadcast(shape), shape]
        m.rng.shuffle(shapes)
        return {}, [m.input(shapes[0], m.rng.choice(profiles)), m.input(shapes[1], m.rng.choice(other or profiles))]
    return make


def ours_in_ties(greater):
    def run(p, a, b):
        a, b = torch.broadcast_tensors(a, b)
        value = torch.maximum(a, b) if greater else torch.minimum(a, b)
        first = (a >= b if greater else a <= b).to(a.dtype)
        second = (a < b if greater else a > b).to(a.dtype)
        # The value of PyTorch with our gradient.
        zero = torch.zeros_like(a)
        clean = lambda x, mask: torch.where(mask > 0, x, zero)
        smooth = clean(a, first) + clean(b, second)
        return smooth + (value - smooth).detach() if torch.isfinite(value).all() else Taken.apply(a, b, value.detach(), first, second)
    return run


class Taken(torch.autograd.Function):
    """`value` with the gradients `first * g` and `second * g`."""

    @staticmethod
    def forward(ctx, a, b, value, first, second):
        ctx.save_for_backward(first, second)
        return value.clone()

    @staticmethod
    def backward(ctx, g):
        first, second = ctx.saved_tensors
        return g * first, g * second, None, None, None


operator('add', 350, 'value', two('ntsf'), lambda p, a, b: a + b)
operator('sub', 350, 'value', two('ntsf'), lambda p, a, b: a - b)
operator('mul', 350, 'sum', two('nts'), lambda p, a, b: a * b)
operator('div', 350, 'sum', two('nts', 'ptn'), lambda p, a, b: a / b)
operator('pow', 350, 'sum', two('ptn', 'ntp'), lambda p, a, b: torch.pow(a, b))
operator('maximum', 300, 'exact', two('ntts'), ours_in_ties(True))
operator('minimum', 300, 'exact', two('ntts'), ours_in_ties(False))

COMPARISONS = {'equal': torch.eq, 'notEqual': torch.ne, 'less': torch.lt, 'lessEqual': torch.le, 'greater': torch.gt, 'greaterEqual': torch.ge}


def make_comparison(m):
    params, inputs = two('tts')(m)
    for spec in inputs:
        spec[5] = False
    return params, inputs


for _name, _run in COMPARISONS.items():
    operator(_name, 120, 'exact', make_comparison, lambda p, a, b, run=_run: run(a, b).to(a.dtype))


def make_number(profiles):
    def make(m):
        return {'value': number(m), 'first': m.rng.random() < 0.3}, [m.input(m.shape(), m.rng.choice(profiles))]
    return make


def with_number(run):
    return lambda p, x: run(torch.tensor(p['value'], dtype=x.dtype), x) if p['first'] else run(x, torch.tensor(p['value'], dtype=x.dtype))


operator('addNumber', 150, 'sum', make_number('ntf'), with_number(torch.add))
operator('subNumber', 150, 'sum', make_number('ntf'), with_number(torch.sub))
operator('mulNumber', 150, 'value', make_number('ntf'), with_number(torch.mul))
operator('divNumber', 150, 'value', make_number('ptn'), with_number(torch.div))
operator('lessNumber', 80, 'exact', lambda m: ({'value': number(m), 'first': m.rng.random() < 0.3}, [m.input(m.shape(), 't', wants=False)]),
         lambda p, x: with_number(torch.lt)(p, x).to(x.dtype))


def make_where(m):
    shape = m.shape()
    shapes = [shape, m.broadcast(shape), m.broadcast(shape)]
    m.rng.shuffle(shapes)
    return {}, [m.input(shapes[0], m.rng.choice('bts'), wants=False), m.input(shapes[1], m.rng.choice('ns')), m.input(shapes[2], m.rng.choice('ns'))]


operator('where', 300, 'sum', make_where, lambda p, c, a, b: torch.where(c != 0, a, b))


def make_swiglu(m):
    shape = m.shape()
    return {}, [m.input(shape, m.rng.choice('ntr')), m.input(m.broadcast(shape), m.rng.choice('nt'))]


operator('swiglu', 300, 'sum', make_swiglu, lambda p, g, u: F.silu(g) * u)

# --- integers -------------------------------------------------------------------------------------------------------------------


def integer(m):
    return m.rng.choice([('i32', 'i'), ('i32', 'w'), ('u32', 'u'), ('u32', 'v')])


def wrapped(p, x):
    return mod_u32(x) if p['dtype'] == 'u32' else mod_i32(x)


def make_integer(count, small=False):
    def make(m):
        dtype, profile = integer(m)
        if small:
            profile = 'i' if dtype == 'i32' else 'u'
        shape = m.shape()
        inputs = [m.input(shape, profile, dtype)]
        if count == 2:
            inputs.append(m.input(m.broadcast(shape), profile, dtype))
        return {'dtype': dtype}, inputs
    return make


INTEGER_UNARY = {'neg': lambda x: -x, 'abs': torch.abs, 'sign': torch.sign, 'square': lambda x: x * x}
for _name, _run in INTEGER_UNARY.items():
    operator(f'integer:{_name}', 110, 'exact', make_integer(1), lambda p, x, run=_run: wrapped(p, run(x.to(torch.int64))))

INTEGER_BINARY = {'add': torch.add, 'sub': torch.sub, 'mul': torch.mul, 'maximum': torch.maximum, 'minimum': torch.minimum}
for _name, _run in INTEGER_BINARY.items():
    operator(f'integer:{_name}', 150, 'exact', make_integer(2), lambda p, a, b, run=_run: wrapped(p, run(a.to(torch.int64), b.to(torch.int64))))
operator('integer:div', 110, 'exact', make_integer(2, True),
         lambda p, a, b: wrapped(p, torch.where(b == 0, torch.zeros_like(a), torch.div(a, torch.where(b == 0, torch.ones_like(b), b), rounding_mode='trunc'))))
for _name, _run in COMPARISONS.items():
    operator(f'integer:{_name}', 60, 'exact', make_integer(2), lambda p, a, b, run=_run: run(a, b).to(torch.int32))


def make_integer_pow(m):
    shape = m.shape()
    return {'dtype': 'i32'}, [m.input(shape, 'i', 'i32'), m.input(m.broadcast(shape), 'k12', 'i32')]


def integer_pow(p, a, b):
    result, a = torch.ones_like(a + b, dtype=torch.int64), a.to(torch.int64)
    for step in range(12):
        result = torch.where(b > step, mod_i32(result * a).to(torch.int64), result)
    return mod_i32(result)


operator('integer:pow', 80, 'exact', make_integer_pow, integer_pow)


def make_integer_number(m):
    dtype, profile = integer(m)
    values = [0, 1, 2, 7, 16777217, 123456789] + ([-1, -3, -(2**31)] if dtype == 'i32' else [2**32 - 1])
    return {'dtype': dtype, 'value': m.rng.choice(values), 'first': m.rng.random() < 0.3}, [m.input(m.shape(), profile, dtype)]


def with_integer(run):
    def call(p, x):
        x, value = x.to(torch.int64), torch.tensor(p['value'])
        return wrapped(p, run(value, x) if p['first'] else run(x, value))
    return call


for _name, _run in {'add': torch.add, 'sub': torch.sub, 'mul': torch.mul, 'maximum': torch.maximum}.items():
    operator(f'integer:{_name}Number', 100, 'exact', make_integer_number, with_integer(_run))
operator('integer:lessNumber', 80, 'exact', make_integer_number, lambda p, x: with_integer(torch.lt)(p, x).to(torch.int32))
operator('integer:clamp', 80, 'exact', lambda m: ({'dtype': 'i32', 'low': -7, 'high': m.rng.choice([3, 16777217])}, [m.input(m.shape(), m.rng.choice('iw'), 'i32')]),
         lambda p, x: torch.clamp(x, p['low'], p['high']))


def make_integer_reduction(m):
    dtype, profile = integer(m)
    shape = m.shape(zero=0)
    axes = None if m.rng.random() < 0.3 else [a for a in range(len(shape)) if m.rng.random() < 0.5]
    return {'dtype': dtype, 'axes': axes, 'keepDims': m.rng.random() < 0.4}, [m.input(shape, profile, dtype)]


def axes_of(p, x):
    return list(range(x.dim())) if p['axes'] is None else p['axes']


def reduced(run):
    def call(p, x):
        axes = axes_of(p, x)
        return run(x, axes, p['keepDims']) if axes else run(x.unsqueeze(0), [0], False)
    return call


operator('integer:sum', 120, 'exact', make_integer_reduction, lambda p, x: wrapped(p, reduced(lambda y, a, k: y.to(torch.int64).sum(a, k))(p, x)))
operator('integer:max', 90, 'exact', make_integer_reduction, reduced(lambda y, a, k: torch.amax(y, a, k)))
operator('integer:min', 90, 'exact', make_integer_reduction, reduced(lambda y, a, k: torch.amin(y, a, k)))


def make_cast(m):
    source = m.rng.choice([('f32', 'n'), ('i32', 'w'), ('u32', 'v')])
    target = m.rng.choice(['f32', 'i32'] if source[0] != 'u32' else ['f32', 'u32'])
    return {'dtype': target}, [m.input(m.shape(), source[1], source[0], wants=False)]


operator('cast', 200, 'exact', make_cast, lambda p, x: x.to({'f32': x.dtype if x.is_floating_point() else torch.float64, 'i32': torch.int32, 'u32': torch.int64}[p['dtype']]))

# --- reductions -----------------------------------------------------------------------------------------------------------------


def make_reduction(profiles, zero=0.03):
    def make(m):
        shape = m.shape(zero=zero, most=300)
        axes = None if m.rng.random() < 0.3 else [a for a in range(len(shape)) if m.rng.random() < 0.5]
        return {'axes': axes, 'keepDims': m.rng.random() < 0.4}, [m.input(shape, m.rng.choice(profiles))]
    return make


operator('sum', 400, 'sum', make_reduction('ntnp'), reduced(lambda y, a, k: y.sum(a, k)))
operator('mean', 350, 'sum', make_reduction('ntnp'), reduced(lambda y, a, k: y.mean(a, k)))
operator('variance', 350, 'sum', make_reduction('ntp'), reduced(lambda y, a, k: y.var(a, unbiased=False, keepdim=k)))
operator('max', 400, 'terms', make_reduction('ntts', zero=0), reduced(lambda y, a, k: torch.amax(y, a, k)))
operator('min', 400, 'terms', make_reduction('ntts', zero=0), reduced(lambda y, a, k: torch.amin(y, a, k)))
operator('sumSpecial', 200, 'sum', make_reduction('s'), reduced(lambda y, a, k: y.sum(a, k)))


def make_argmax(m):
    shape = m.shape(low=1, zero=0)
    dtype, profiles = m.rng.choice([('f32', 'ntts'), ('f32', 'ntts'), ('i32', 'iw'), ('u32', 'uv')])
    return {}, [m.input(shape, m.rng.choice(profiles), dtype, wants=False)]


operator('argmax', 350, 'exact', make_argmax, lambda p, x: torch.argmax(x, -1).to(torch.int32))

# --- views ----------------------------------------------------------------------------------------------------------------------


def make_reshape(m):
    shape = m.shape()
    flat = math.prod(shape)
    options = [[flat], [1, flat], [flat, 1, 1]] + [[n, flat // n] for n in range(2, 8) if flat % n == 0 and flat > 0]
    return {'shape': m.rng.choice(options)}, [m.input(shape, m.rng.choice('ns'))]


operator('reshape', 180, 'exact', make_reshape, lambda p, x: x.reshape(p['shape']))


def make_transpose(m):
    shape = m.shape(low=1)
    order = list(range(len(shape)))
    m.rng.shuffle(order)
    return {'axes': order}, [m.input(shape, m.rng.choice('ns'))]


operator('transpose', 180, 'exact', make_transpose, lambda p, x: x.permute(p['axes']))


def make_slice(m):
    shape = m.shape(low=1)
    starts = [m.rng.randint(0, n) for n in shape]
    ends = [m.rng.randint(s, n) for s, n in zip(starts, shape)]
    return {'starts': starts, 'ends': ends}, [m.input(shape, m.rng.choice('ns'))]


operator('slice', 220, 'exact', make_slice, lambda p, x: x[tuple(slice(a, b) for a, b in zip(p['starts'], p['ends']))])


def make_broadcast(m):
    shape = m.shape()
    return {'shape': shape}, [m.input(m.broadcast(shape), m.rng.choice('ns'))]


operator('broadcastTo', 220, 'sum', make_broadcast, lambda p, x: x.expand(p['shape']))
operator('squeeze', 100, 'exact', one('n'), lambda p, x: x.squeeze())
operator('unsqueeze', 100, 'exact', lambda m: ({'axis': m.rng.choice([0, -1])}, [m.input(m.shape(high=5), 'n')]), lambda p, x: x.unsqueeze(p['axis']))
operator('contiguous', 100, 'exact', one('ns'), lambda p, x: x.contiguous())


def make_concat(m):
    shape = m.shape(low=1)
    axis = m.rng.randrange(len(shape))
    parts = [[m.extent(0.1) if a == axis else n for a, n in enumerate(shape)] for _ in range(m.rng.randint(1, 4))]
    return {'axis': axis}, [m.input(part, m.rng.choice('ns')) for part in parts]


operator('concat', 320, 'exact', make_concat, lambda p, *xs: torch.cat(xs, p['axis']))
operator('stack', 200, 'exact', lambda m: (lambda shape, n: ({'axis': m.rng.choice([0, -1, len(shape)])}, [m.input(shape, 'n') for _ in range(n)]))(m.shape(high=5), m.rng.randint(1, 3)),
         lambda p, *xs: torch.stack(xs, p['axis']))


def make_split(m):
    shape = m.shape(low=1)
    axis = m.rng.randrange(len(shape))
    rest, sizes = shape[axis], []
    while rest > 0 or not sizes:
        sizes.append(m.rng.randint(0, rest) if rest else 0)
        rest -= sizes[-1]
        if len(sizes) > 4:
            sizes[-1] += rest
            rest = 0
    unused = [n for n in range(len(sizes)) if m.rng.random() < 0.4]
    return {'axis': axis, 'sizes': sizes, 'unused': unused if len(unused) < len(sizes) else unused[1:]}, [m.input(shape, m.rng.choice('ns'))]


operator('split', 350, 'exact', make_split, lambda p, x: torch.split(x, p['sizes'], p['axis']))

# --- linear algebra -------------------------------------------------------------------------------------------------------------


def make_matmul(m):
    batch = m.shape(high=2, most=8)
    M, K, N = m.extent(), m.extent(), m.extent()
    if m.rng.random() < 0.1:
        M, K, N = m.rng.choice([(17, 33, 9), (8, 64, 16), (1, 70, 5), (5, 3, 40)])
    ta, tb = m.rng.random() < 0.3, m.rng.random() < 0.3
    a = m.broadcast(batch) + ([K, M] if ta else [M, K])
    b = m.broadcast(batch) + ([N, K] if tb else [K, N])
    inputs = [m.input(a), m.input(b)]
    has_bias = m.rng.random() < 0.3
    if has_bias:
        inputs.append(m.input([N]))
    return {'transposeA': ta, 'transposeB': tb}, inputs


def run_matmul(p, a, b, bias=None):
    out = (a.transpose(-1, -2) if p['transposeA'] else a) @ (b.transpose(-1, -2) if p['transposeB'] else b)
    return out if bias is None else out + bias


operator('matmul', 800, 'sum', make_matmul, run_matmul)


def make_linear(m):
    lead, I, O = m.shape(high=3, most=20), m.extent(0.06), m.extent()
    inputs = [m.input(lead + [I]), m.input([O, I])]
    if m.rng.random() < 0.5:
        inputs.append(m.input([O]))
    return {}, inputs


operator('linear', 600, 'sum', make_linear, lambda p, x, w, b=None: x @ w.t() + (0 if b is None else b))

# --- networks -------------------------------------------------------------------------------------------------------------------

operator('softmax', 400, 'sum', one('nttslg'), lambda p, x: torch.softmax(x, -1))
operator('logSoftmax', 400, 'sum', one('nttslg'), lambda p, x: torch.log_softmax(x, -1))


def make_norm(count, has_bias, is_sum):
    def make(m):
        shape = m.shape(zero=0.02)
        N = shape[-1] if shape else 1
        inputs = [m.input(shape, m.rng.choice('nnt')) for _ in range(2 if is_sum else 1)]
        has_weight = m.rng.random() < 0.7
        flags = {'weight': has_weight, 'bias': has_bias and m.rng.random() < 0.7, 'eps': m.rng.choice([1e-5, 1e-6, 1e-2])}
        if flags['weight']:
            inputs.append(m.input([N]))
        if flags['bias']:
            inputs.append(m.input([N]))
        return flags, inputs
    return make


def normalize(p, x, rest, is_layer):
    rest = list(rest)
    rows = x if x.dim() else x.unsqueeze(0)
    center = rows - rows.mean(-1, keepdim=True) if is_layer else rows
    out = center / torch.sqrt(center.square().mean(-1, keepdim=True) + p['eps'])
    if p['weight']:
        out = out * rest.pop(0)
    if p['bias']:
        out = out + rest.pop(0)
    return out.reshape(x.shape)


def norm_gain(is_layer, is_sum):
    """The largest 1 / standard deviation times the largest weight."""
    def gain(p, *tensors):
        x = tensors[0] + tensors[1] if is_sum else tensors[0]
        rows = x if x.dim() else x.unsqueeze(0)
        if not rows.numel():
            return 1
        center = rows - rows.mean(-1, keepdim=True) if is_layer else rows
        weight = tensors[2 if is_sum else 1].abs().max() if p['weight'] else 1
        return max(1, float((weight / torch.sqrt(center.square().mean(-1) + p['eps'])).max()))
    return gain


operator('rmsNorm', 450, 'sum', make_norm(1, False, False), lambda p, x, *rest: normalize(p, x, rest, False), norm_gain(False, False))
operator('layerNorm', 450, 'sum', make_norm(1, True, False), lambda p, x, *rest: normalize(p, x, rest, True), norm_gain(True, False))
operator('addRmsNorm', 280, 'sum', make_norm(2, False, True), lambda p, x, y, *rest: (x + y, normalize(p, x + y, rest, False)), norm_gain(False, True))
operator('addLayerNorm', 280, 'sum', make_norm(2, True, True), lambda p, x, y, *rest: (x + y, normalize(p, x + y, rest, True)), norm_gain(True, True))


def turned(x, positions, theta, rotary, interleaved):
    half = rotary // 2
    frequency = theta ** (-2.0 * torch.arange(half, dtype=x.dtype) / rotary) if rotary else torch.zeros(0, dtype=x.dtype)
    angle = positions.to(x.dtype)[..., None, None] * frequency
    cos, sin = torch.cos(angle), torch.sin(angle)
    turn, rest = x[..., :rotary], x[..., rotary:]
    a, b = (turn[..., 0::2], turn[..., 1::2]) if interleaved else (turn[..., :half], turn[..., half:])
    left, right = a * cos - b * sin, b * cos + a * sin
    both = torch.stack([left, right], -1).flatten(-2) if interleaved else torch.cat([left, right], -1)
    return torch.cat([both, rest], -1)


def make_rope(is_norm):
    def make(m):
        B, T, H, D = m.rng.randint(1, 2), m.rng.randint(1, 4), m.rng.randint(1, 3), m.rng.choice([2, 4, 6, 8])
        p = {'theta': m.rng.choice([10000, 500]), 'interleaved': m.rng.random() < 0.5}
        positions = m.input([B, T], m.rng.choice(['k5', 'k1000', 'k30000']), 'i32')
        if not is_norm:
            p['rotaryDim'] = m.rng.choice([d for d in range(2, D + 1, 2)])
            return p, [m.input([B, T, H, D]), positions]
        p.update(full=m.rng.random() < 0.5, weight=m.rng.random() < 0.7)
        inputs = [m.input([B, T, H, D]), positions]
        if p['weight']:
            inputs.append(m.input([H * D] if p['full'] else [D]))
        return p, inputs
    return make


def norm_rope(p, x, positions, weight=None):
    rows = x.flatten(-2) if p['full'] else x
    out = rows / torch.sqrt(rows.square().mean(-1, keepdim=True) + 1e-6)
    if weight is not None:
        out = out * weight
    return turned(out.reshape(x.shape), positions, p['theta'], x.shape[-1], p['interleaved'])


operator('rope', 280, 'sum', make_rope(False), lambda p, x, at: turned(x, at, p['theta'], p['rotaryDim'], p['interleaved']))
operator('rmsNormRope', 220, 'sum', make_rope(True), norm_rope)


def make_embedding(m):
    V, C = m.rng.randint(1, 7), m.extent()
    return {}, [m.input([V, C], m.rng.choice('nt')), m.input(m.shape(high=3, most=30), f'k{V}', m.rng.choice(['i32', 'u32']))]


operator('embedding', 280, 'sum', make_embedding, lambda p, table, ids: F.embedding(ids.long(), table))


def make_gather(m):
    shape = m.shape(low=1, zero=0)
    axis = m.rng.randrange(len(shape))
    return {'axis': axis}, [m.input(shape, m.rng.choice('nt')), m.input([m.extent(0.1)], f'k{shape[axis]}', 'i32')]


operator('gather', 280, 'sum', make_gather, lambda p, x, index: torch.index_select(x, p['axis'], index.long()))


def make_loss(is_linear):
    def make(m):
        N, V = m.extent(), m.rng.choice([1, 2, 3, 5, 8, 11, 19])
        p = {'zLoss': m.rng.choice([0, 0, 0.01]), 'ignoreIndex': m.rng.choice([-100, -100, 0])}
        targets = m.input([N], f'{m.rng.choice("kK")}{V}' if p['ignoreIndex'] == -100 else f'k{V}', 'i32')
        if is_linear:
            p['chunk'] = m.rng.choice([None, None, 1, 2, 3])
            C = m.extent(0)
            return p, [m.input([N, C]), m.input([V, C]), targets]
        p['reduction'] = m.rng.choice(['mean', 'sum', 'none'])
        profile = m.rng.choice('nntlg')
        if profile in 'lg':
            p['zLoss'] = 0
        return p, [m.input([N, V], profile), targets]
    return make


def cross_entropy(p, logits, targets):
    counted = (targets != p['ignoreIndex']).to(logits.dtype)
    ids = torch.where(targets == p['ignoreIndex'], torch.zeros_like(targets), targets).long()
    lse = torch.logsumexp(logits, -1)
    loss = F.nll_loss(torch.log_softmax(logits, -1), ids, reduction='none') + p['zLoss'] * lse.square()
    loss = loss * counted
    if p.get('reduction') == 'none':
        return loss
    return loss.sum() if p.get('reduction') == 'sum' else loss.sum() / counted.sum().clamp(min=1)


operator('crossEntropy', 550, 'sum', make_loss(False), cross_entropy)
operator('linearCrossEntropy', 450, 'sum', make_loss(True), lambda p, x, w, t: cross_entropy(p, x @ w.t(), t))

# --- attention ------------------------------------------------------------------------------------------------------------------


def make_attention(m):
    rng = m.rng
    B, T, Hkv, G = rng.randint(1, 2), rng.choice([1, 2, 3, 5, 9]), rng.randint(1, 2), rng.randint(1, 3)
    D, Dv = rng.choice([2, 4, 8, 11]), rng.choice([2, 4, 8, 5])
    capacity = T + rng.choice([0, 0, 2])
    p = {'causal': rng.random() < 0.7, 'window': rng.choice([None, None, 1, 3]), 'docs': None, 'depth': False, 'chunk': 1}
    if capacity == T and rng.random() < 0.4:
        p['docs'] = [document_ranges(rng, T) for _ in range(B)]
    poison = []
    if rng.random() < 0.4:
        # One position that some queries do not see.
        poison = [rng.randrange(capacity), rng.choice(['nan', 'inf']), rng.random() < 0.3]
        if poison[2]:
            poison[1] = 'nan'
    def keys(width, is_key):
        patches = []
        if poison and (poison[2] or not is_key):
            start = poison[0] * Hkv * width
            patches = [[start, start + Hkv * width, poison[1]]]
        return m.input([B, capacity, Hkv, width], 'n', strided=not patches, patches=patches)
    inputs = [m.input([B, T, Hkv * G, D]), keys(D, True), keys(Dv, False)]
    if capacity == T and rng.random() < 0.4:
        p['depth'] = True
        p['chunk'] = rng.choice([1, 1, 2])
        S = rng.randint(1, 4)
        inputs += [m.input([S, B, T, Hkv, D], strided=False), m.input([S, B, T, Hkv, Dv], strided=False)]
        if p['chunk'] > 1:
            p['docs'] = None
    return p, inputs


def document_ranges(rng, T):
    ranges, start = [], 0
    while start < T:
        end = rng.randint(start + 1, T)
        ranges += [[start, end]] * (end - start)
        start = end
    return ranges


def attend(p, q, k, v, depth_k=None, depth_v=None):
    B, T, H, D = q.shape
    Tk, Hkv = k.shape[1], k.shape[2]
    scale = 1 / math.sqrt(D)
    outs, sums = [], []
    for b in range(B):
        for t in range(T):
            at = Tk - T + t
            first, last = 0, min(Tk, at + 1) if p['causal'] else Tk
            if p['window'] is not None:
                first = max(first, at - p['window'] + 1)
            if p['docs']:
                first, last = max(first, p['docs'][b][t][0]), min(last, p['docs'][b][t][1])
            for h in range(H):
                head = h // (H // Hkv)
                rows_k, rows_v = [k[b, first:max(first, last), head]], [v[b, first:max(first, last), head]]
                if depth_k is not None:
                    for position in range(t - t % p['chunk'], t + 1):
                        rows_k.append(depth_k[:, b, position, head])
                        rows_v.append(depth_v[:, b, position, head])
                scores = torch.cat(rows_k) @ q[b, t, h] * scale
                # As attention without stored scores does it: probabilities from the log-sum-exp.
                sums.append(torch.logsumexp(scores, 0))
                outs.append(torch.exp(scores - sums[-1]) @ torch.cat(rows_v))
    return torch.stack(outs).reshape(B, T, H, -1), torch.stack(sums).reshape(B, T, H).transpose(1, 2)


def score_gain(p, q, k, *rest):
    """The largest score there may be: probabilities are its exponentials, made from it a second time in the backward pass."""
    keys = [k, *rest[1:2]]
    longest = max(float(torch.nan_to_num(x, 0, 0, 0).norm(dim=-1).max()) for x in keys)
    return 1 + float(q.norm(dim=-1).max()) * longest / math.sqrt(q.shape[-1])


operator('attention', 600, 'sum', make_attention, attend, score_gain)

# --- optimiser ------------------------------------------------------------------------------------------------------------------


def make_adamw(m):
    count, steps = m.rng.randint(1, 3), m.rng.randint(1, 6)
    inputs = []
    for _ in range(count):
        shape = m.shape(low=1, high=3, most=40, zero=0)
        base, views = m.views(shape)
        while any(view[0] == 'B' for view in views):
            base, views = m.views(shape)
        m.next_seed += 1
        inputs.append([base, 'n', m.next_seed, 'f32', views, False, []])
    has = [[m.rng.random() < 0.7 for _ in range(count)] for _ in range(steps)]
    p = {'lr': m.rng.choice([1e-3, 0.1]), 'betas': m.rng.choice([[0.9, 0.95], [0.8, 0.999]]), 'eps': m.rng.choice([1e-8, 1e-3]),
         'weightDecay': m.rng.choice([0, 0.1]), 'has': has}
    return p, inputs


def adamw(p, *params):
    from cases import gradient_of
    params = [x.detach().requires_grad_() for x in params]
    optimizer = torch.optim.AdamW(params, lr=p['lr'], betas=tuple(p['betas']), eps=p['eps'], weight_decay=p['weightDecay'])
    for step, row in enumerate(p['has']):
        for n, (x, wanted) in enumerate(zip(params, row)):
            x.grad = gradient_of(step, n, x) if wanted else None
        optimizer.step()
    return [x.detach() for x in params]


operator('adamw', 250, 'sum', make_adamw, adamw)
