import * as tensor from '@modajs/tensor';
import { type CallTable, depthKinds, type Exempt, type Kind, kinds, type Place } from '@modajs/tensor/testing';
import * as moda from '../src/index.ts';

const {
  device,
  finite,
  flag,
  floatDType,
  kind,
  named,
  nullable,
  optional,
  options,
  positive,
  required,
  tensorOf,
  whole,
} = kinds;
const { keys, queries, reading, sequence, values } = depthKinds;
const f32 = { dtypes: ['f32'] } as const;
const [B, T, H, Hkv, D, C] = [2, 3, 4, 2, 6, 5];
const logits = { isRankFixed: false, fixed: [1, 2, 3] } as const;
const joining = {
  sinks: optional(tensorOf([H])),
  bias: optional(tensorOf([B, H, T, T], logits)),
  mask: optional(tensorOf([B, H, T, T], { ...logits, dtypes: ['f32', 'f16', 'bf16', 'i32', 'u32'] })),
  alibi: optional(tensorOf([H])),
};
const keyOptions = { ...sequence, ...joining };
const slot = tensorOf([B, T, Hkv, D], f32);
const score = tensorOf([B, T, Hkv], f32);
/** Says which device; nothing about it is wrong. */
const anchor: Kind = { good: tensorOf([1]).good, wrong: {} };

const result = named({ out: tensorOf([B, T, H, D], f32), lse: tensorOf([B, H, T], f32) });

function withStream(here: tensor.Device, run: (stream: moda.DepthStream) => unknown): unknown {
  using stream = new moda.DepthStream({ slots: 2, B, T, Hkv, D, device: here });
  const x = tensor.ones([B, T, Hkv, D], { device: here });
  stream.write(x, x);
  return run(stream);
}

function withScores(here: tensor.Device, run: (stream: moda.ScoredStream) => unknown): unknown {
  using stream = new moda.ScoredStream({ keep: 3, recent: 1 });
  const x = tensor.ones([B, T, Hkv, D], { device: here });
  stream.write(x, x, tensor.ones([B, T, Hkv], { device: here }));
  return run(stream);
}

function withCache(here: tensor.Device, run: (cache: moda.SequenceCache) => unknown): unknown {
  using cache = new moda.SequenceCache({ B, capacity: 4, Hkv, D, device: here });
  return run(cache);
}

const CONFIG = {
  nHeads: H,
  nKvHeads: Hkv,
  headDim: D,
  qkNorm: 'head',
  normEps: 1e-5,
  rotary: { theta: 100, interleaved: false },
  softmaxScale: null,
  causal: true,
  depthKeyNorm: 'writer',
  depthRope: 'shared',
  depthChunk: 1,
  depthSlots: null,
} as const satisfies moda.AttentionLayerConfig;

const config: Kind = {
  good: () => CONFIG,
  wrong: {
    ...required(kind(null, { 'a number': 1, 'a string': 'x', true: true })).wrong,
    ...Object.fromEntries(
      Object.entries({
        nHeads: Number.NaN,
        nKvHeads: 0.5,
        headDim: '6',
        qkNorm: 'none of these',
        normEps: -1,
        rotary: { theta: 0, interleaved: false, colour: 1 },
        softmaxScale: Infinity,
        causal: 'no',
        depthKeyNorm: 'toString',
        depthRope: null,
        depthChunk: 0,
        depthSlots: 0.5,
        colour: 1,
      }).map(([field, value]) => [`${field}: ${String(value)}`, () => ({ ...CONFIG, [field]: value })]),
    ),
  },
};

/** An object whose fields are all known. */
function fields(kinds: Readonly<Record<string, Kind>>): Kind {
  const { good, wrong } = named(kinds);
  return { good, wrong: { ...wrong, 'an unknown field': (place) => ({ ...(good(place) as object), colour: 1 }) } };
}

const linear = (outputs: number, inputs: number): Kind =>
  fields({ weight: tensorOf([outputs, inputs], f32), bias: optional(tensorOf([outputs], f32)) });

const map = { weight: tensorOf([7, C], f32), bias: optional(tensorOf([7], f32)) };
const lowRank = fields({ a: tensorOf([2, C], f32), b: tensorOf([7, 2], f32), scale: finite(0.5) });
/** A map with one adapter of rank 2. */
const adapted = fields({
  ...map,
  adapters: {
    good: (place) => [lowRank.good(place)],
    wrong: {
      'a number': () => 1,
      'a list of null': () => [null],
      ...Object.fromEntries(
        Object.entries(lowRank.wrong).map(([label, make]) => [`a list of: ${label}`, (place: Place) => [make(place)]]),
      ),
    },
  },
});

const positions = tensorOf([B, T], { dtypes: ['i32', 'u32'] });
const x = tensorOf([B, T, C], f32);
const norm = optional(tensorOf([D], f32));

/** What a layer hands to its observers, from a call of one with a stream that holds a slot. */
const probe: Kind = {
  good: (place) => probeOf(place),
  wrong: {
    ...required(kind(null, { 'a number': 1, 'a string': 'x', true: true })).wrong,
    ...Object.fromEntries(
      Object.entries({
        q: null,
        k: 3,
        lse: {},
        Tk: Number.NaN,
        depth: 'x',
        firstPosition: -1,
        config: null,
        colour: 1,
      }).map(([field, value]) => [
        `${field}: ${String(value)}`,
        (place: Place) => ({ ...probeOf(place), [field]: value }),
      ]),
    ),
  },
};

function probeOf({ device: here }: Place): moda.AttentionProbe {
  const made = (kinds: Kind) => kinds.good({ device: here, other: here }) as tensor.Tensor;
  const x = made(tensorOf([B, T, Hkv, D], f32));
  const reader = tensor.slotTensors(tensor.unsqueeze(x, 0), tensor.unsqueeze(x, 0));
  return {
    q: made(queries),
    sequenceQ: made(queries),
    k: made(keys),
    Tk: T,
    docRange: null,
    depth: reader,
    slots: [x],
    firstPosition: 0,
    lse: made(tensorOf([B, H, T], f32)),
    config: { ...CONFIG, softmaxScale: 0.5 },
  };
}

const layerWeights = fields({
  qProj: linear(H * D, C),
  kProj: linear(Hkv * D, C),
  vProj: linear(Hkv * D, C),
  oProj: linear(C, H * D),
  qNorm: norm,
  kNorm: norm,
});

const statistics = tensorOf([B, H, T], f32);

/** Every export of `@modajs/moda`. */
export const modaCalls: CallTable = {
  applyLinear: {
    run: moda.applyLinear,
    args: [tensorOf([B, T, C], { ...f32, isRankFixed: false, fixed: [2] }), adapted],
  },
  attention: { run: moda.attention, args: [queries, keys, values, options(keyOptions)] },
  depthAttention: {
    run: moda.depthAttention,
    args: [
      tensorOf([B, T, H, D], { ...f32, fixed: [0, 3] }),
      reading,
      options({ scale: finite(0.5), softcap: nullable(positive(0.5)), sinks: joining.sinks }),
    ],
  },
  moda: { run: moda.moda, args: [queries, keys, values, reading, options(keyOptions)] },
  modaChunkVisible: {
    run: moda.modaChunkVisible,
    args: [
      queries,
      keys,
      values,
      reading,
      options({ ...keyOptions, chunk: whole(2, 1), firstPosition: whole(1) }, ['chunk']),
    ],
  },
  mergeAttention: { run: moda.mergeAttention, args: [result, result] },
  documentRanges: {
    run: moda.documentRanges,
    args: [
      required(
        kind([[0, 2, 3]], {
          'a number': 3,
          'a string': '3',
          'no rows': [],
          'an empty row': [[]],
          'a start of NaN': [[0, Number.NaN, 3]],
          fractions: [[0, 1.5, 3]],
          'a row that falls': [[0, 2, 1]],
          'a row that starts late': [[1, 3]],
          'rows of two lengths': [
            [0, 3],
            [0, 2],
          ],
          text: [['0', '3']],
        }),
      ),
      options({ device }),
    ],
  },
  DepthStream: {
    run: (settings) => new moda.DepthStream(settings).dispose(),
    args: [
      options(
        { slots: whole(2), B: whole(B), T: whole(T), Hkv: whole(Hkv, 1), D: whole(D, 1), dtype: floatDType, device },
        ['slots', 'B', 'T', 'Hkv', 'D'],
      ),
    ],
  },
  'DepthStream.rewind': {
    run: (at, count) => withStream(at.device, (stream) => stream.rewind(count)),
    args: [anchor, whole(1, 0, 1)],
  },
  'DepthStream.queryDestination': {
    run: (at, heads) => withStream(at.device, (stream) => stream.queryDestination(heads)),
    args: [anchor, required(whole(H, 1))],
  },
  'DepthStream.write': {
    run: (at, k, v) => withStream(at.device, (stream) => stream.write(k, v)),
    args: [anchor, slot, slot],
  },
  'DepthStream.read': {
    run: (at, settings) => withStream(at.device, (stream) => stream.read(settings)),
    args: [anchor, options({ last: nullable(whole(1)) })],
  },
  'DepthStream.slot': {
    run: (at, index) => withStream(at.device, (stream) => stream.slot(index)),
    args: [anchor, required(whole(0, 0, 0))],
  },
  ScoredStream: {
    run: (settings) => new moda.ScoredStream(settings).dispose(),
    args: [options({ keep: whole(3, 1), recent: whole(1, 0, 3) }, ['keep', 'recent'])],
  },
  'ScoredStream.write': {
    run: (at, k, v, s) => withScores(at.device, (stream) => stream.write(k, v, s)),
    args: [anchor, slot, slot, score],
  },
  'ScoredStream.query': {
    run: (at, q, scale) => withScores(at.device, (stream) => stream.query(q, scale)),
    args: [anchor, tensorOf([B, T, H, D], { fixed: [], hasNoOthers: true }), required(positive(0.5))],
  },
  SequenceCache: {
    run: (settings, memory) => new moda.SequenceCache(settings, memory).dispose(),
    args: [
      options({ B: whole(B), capacity: whole(T), Hkv: whole(Hkv, 1), D: whole(D, 1), dtype: floatDType, device }, [
        'B',
        'capacity',
        'Hkv',
        'D',
      ]),
      nullable(options({ k: slot, v: slot })),
    ],
  },
  'SequenceCache.append': {
    run: (at, k, v) => withCache(at.device, (cache) => cache.append(k, v)),
    args: [
      anchor,
      tensorOf([B, T, Hkv, D], { ...f32, dtypes: ['f32', 'f16', 'bf16'] }),
      tensorOf([B, T, Hkv, D], { ...f32, dtypes: ['f32', 'f16', 'bf16'] }),
    ],
  },
  'SequenceCache.advance': {
    run: (at, count) => withCache(at.device, (cache) => cache.advance(count)),
    args: [anchor, required(whole(1, 0, 4))],
  },
  'SequenceCache.truncate': {
    run: (at, length) => withCache(at.device, (cache) => cache.truncate(length)),
    args: [anchor, required(whole(0, 0))],
  },
  rotate: {
    run: moda.rotate,
    args: [
      tensorOf([B, T, H, D], { ...f32, fixed: [0, 1] }),
      positions,
      config,
      optional(tensorOf([B, T, H, D], { ...f32, isRankFixed: false })),
    ],
  },
  depthKey: {
    run: moda.depthKey,
    args: [
      tensorOf([B, T, Hkv, D], { ...f32, fixed: [0, 1] }),
      norm,
      positions,
      config,
      optional(tensorOf([B, T, Hkv, D], { ...f32, isRankFixed: false })),
    ],
  },
  projectDepth: {
    run: moda.projectDepth,
    args: [tensorOf([B, T, C], { ...f32, fixed: [2] }), linear(2 * Hkv * D, C), config],
  },
  writeProjected: {
    run: (at, ...rest) =>
      withStream(at.device, (stream) => (moda.writeProjected as (...args: unknown[]) => void)(stream, ...rest)),
    args: [anchor, x, linear(2 * Hkv * D, C), norm, positions, config],
  },
  attentionLayer: {
    run: (input, weights, settings, at, context) =>
      withStream(at.device, (stream) =>
        moda.attentionLayer(
          input,
          weights === null || typeof weights !== 'object'
            ? weights
            : { depthAttentionProj: null, depthFfnProj: null, ...weights },
          settings,
          context === null || typeof context !== 'object' ? context : { stream, ...context },
        ),
      ),
    args: [
      x,
      layerWeights,
      config,
      anchor,
      fields({
        positions,
        writesSlot: flag,
        docRange: optional(tensorOf([B, T, 2], { dtypes: ['i32'] })),
        cache: { good: () => null, wrong: { 'a number': () => 1, 'an object': () => ({}) } },
        firstPosition: whole(0),
      }),
    ],
  },
  attentionMap: { run: moda.attentionMap, args: [probe] },
  attentionStatistics: { run: moda.attentionStatistics, args: [probe] },
  summarizeAttention: {
    run: moda.summarizeAttention,
    args: [fields({ depthMass: statistics, depthEntropy: statistics, sinkMass: statistics })],
  },
};

export const modaExempt: Exempt = {
  ...Object.fromEntries(
    [
      'DepthStream.nextSlot',
      'DepthStream.keys',
      'DepthStream.dispose',
      'ScoredStream.nextSlot',
      'ScoredStream.read',
      'ScoredStream.keys',
      'ScoredStream.dispose',
      'SequenceCache.dispose',
    ].map((name) => [name, 'takes no arguments']),
  ),
  'DepthStream.query': 'gives its argument back',
  'ScoredStream.queryDestination': 'has no memory to give, whatever is asked for',
};
