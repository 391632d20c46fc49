import { DepthStream } from '@modajs/moda';
import {
  AdamW,
  asParameter,
  assign,
  backward,
  CheckpointError,
  ConfigError,
  checkpoint,
  type Device,
  init,
  mean,
  mul,
  noGrad,
  relu,
  ShapeError,
  sub,
  sum,
  type Tensor,
  tensor,
  tidy,
} from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  Dropout,
  Embedding,
  type InitializerKind,
  initialize,
  LayerNorm,
  Linear,
  loadSafetensors,
  MoDABlock,
  Module,
  MultiHeadAttention,
  manualSeed,
  RMSNorm,
  Sequential,
  toSafetensors,
} from './index.ts';

let device: Device;
beforeAll(async () => {
  device = await init({ device: 'reference' });
});
afterAll(() => device.destroy());

const expectClose = (found: readonly number[], wanted: readonly number[]): void =>
  found.forEach((value, i) => {
    expect(value).toBeCloseTo(wanted[i], 6);
  });
const values = async (x: Tensor): Promise<number[]> => Array.from(await x.data());

class Model extends Module {
  readonly table = new Embedding(11, 12, { seed: 1 });
  readonly blocks = [0, 1].map((i) => new MoDABlock({ dModel: 12, nHeads: 6, nKvHeads: 2, dFf: 20, seed: i + 2 }));
  readonly norm = new RMSNorm(12);
  readonly out = new Linear(12, 11, { bias: false, seed: 9 });

  forward(ids: Tensor, withDepth = true): Tensor {
    const [B, T] = ids.shape;
    const slots = this.blocks.reduce((total, { slotsPerBlock }) => total + slotsPerBlock, 0);
    return tidy(() => {
      using stream = withDepth ? new DepthStream({ slots, B, T, Hkv: 2, D: 2 }) : null;
      let x = this.table.forward(ids);
      for (const block of this.blocks) x = block.forward(x, { stream });
      return this.out.forward(this.norm.forward(x));
    });
  }
}

describe('modules [reference]', () => {
  it('name their parameters by their fields, once each', () => {
    using model = new Model();
    const names = Object.keys(model.namedParameters());
    expect(names).toHaveLength(1 + 2 * 10 + 2);
    expect(names.slice(0, 3)).toEqual([
      'table.weight',
      'blocks.0.attentionNorm.weight',
      'blocks.0.attention.qProj.weight',
    ]);
    expect(names).toContain('blocks.1.depthProj.weight');
    class Tied extends Module {
      readonly a = new Linear(3, 3, { bias: false });
      readonly b = this.a;
    }
    using tied = new Tied();
    expect(Object.keys(tied.namedParameters())).toEqual(['a.weight']);
    expect(Object.keys(new Sequential(new Linear(2, 3), relu, new Linear(3, 1)).namedParameters())).toEqual([
      'stages.0.weight',
      'stages.0.bias',
      'stages.2.weight',
      'stages.2.bias',
    ]);
  });

  it('go through safetensors, and refuse what is not theirs', async () => {
    using model = new Model();
    const file = await toSafetensors(model);
    const ids = tensor([[1, 2, 3, 4]], { dtype: 'i32' });
    using other = new Model();
    for (const one of other.parameters()) one.device.backend.fill(one.view, 0.5);
    loadSafetensors(other, file);
    // The file holds f32, the device computes in f64.
    loadSafetensors(model, file);
    expect(await values(other.forward(ids))).toEqual(await values(model.forward(ids)));
    const state = await model.stateDict();
    state.delete('norm.weight');
    expect(() => other.loadStateDict(state)).toThrow(CheckpointError);
    expect(() => loadSafetensors(other, file.subarray(0, 20))).toThrow(CheckpointError);
  });

  it('get gradients in every parameter, none where they are frozen, and learn', async () => {
    using model = new Model();
    const ids = tensor([[1, 2, 3, 4, 5]], { dtype: 'i32' });
    const loss = (): Tensor => tidy(() => mean(mul(model.forward(ids), model.forward(ids))));
    model.table.freeze();
    const trained = model.trainableParameters();
    expect(Object.keys(trained)).not.toContain('table.weight');
    const optimizer = new AdamW(trained, { lr: 0.01 });
    const losses: number[] = [];
    for (let step = 0; step < 3; step++) {
      const found = loss();
      backward(found);
      losses.push(await found.item());
      expect(model.table.weight.grad).toBeNull();
      for (const [name, { grad }] of Object.entries(trained)) {
        // Nobody reads the slots of the last block.
        if (name !== 'blocks.1.depthProj.weight') expect(grad, name).not.toBeNull();
      }
      optimizer.step();
      optimizer.zeroGrad();
    }
    expect(losses[2]).toBeLessThan(losses[0]);
    expect(model.table.unfreeze().weight.requiresGrad).toBe(true);
  });

  it('a MoDA block without a stream is an ordinary block, with one it is not', async () => {
    using model = new Model();
    const ids = tensor([[1, 2, 3, 4]], { dtype: 'i32' });
    const [without, again, withDepth] = [model.forward(ids, false), model.forward(ids, false), model.forward(ids)];
    expect(await values(again)).toEqual(await values(without));
    expect(await values(withDepth)).not.toEqual(await values(without));
  });

  it('attention hides later positions, and refuses heads that do not fit', async () => {
    const attention = new MultiHeadAttention({ dModel: 12, nHeads: 6, nKvHeads: 3, qkNorm: 'head', seed: 3 });
    const row = (last: number): Tensor =>
      tensor([[new Array(12).fill(1), new Array(12).fill(2), new Array(12).fill(last)]]);
    const [a, b] = [await values(attention.forward(row(3))), await values(attention.forward(row(-5)))];
    expect(a.slice(0, 24)).toEqual(b.slice(0, 24));
    expect(a.slice(24)).not.toEqual(b.slice(24));
    expect(() => new MultiHeadAttention({ dModel: 12, nHeads: 5 })).toThrow(ShapeError);
    expect(() => new MultiHeadAttention({ dModel: 12, nHeads: 6, nKvHeads: 4 })).toThrow(ShapeError);
  });

  it('attention caps its logits', async () => {
    const x = tensor([[new Array(8).fill(1), new Array(8).fill(-1), [3, 0, 0, 0, 0, 0, 0, 1]]]);
    const run = (softcap: number | null) =>
      values(new MultiHeadAttention({ dModel: 8, nHeads: 2, softcap, seed: 3 }).forward(x));
    const [plain, loose, tight] = [await run(null), await run(1e4), await run(0.1)];
    loose.forEach((value, n) => {
      expect(value).toBeCloseTo(plain[n], 4);
    });
    expect(tight).not.toEqual(plain);
    expect(() => new MultiHeadAttention({ dModel: 8, nHeads: 2, softcap: -1 }).forward(x)).toThrow('softcap must be');
  });

  it('attention takes a bias, a mask, sinks and ALiBi, as `attention` does', async () => {
    const x = tensor(
      Float32Array.from({ length: 30 }, (_, i) => Math.sin(1 + i * i)),
      { shape: [1, 5, 6] },
    );
    const given = { dModel: 6, nHeads: 2, ropeTheta: null, seed: 3 };
    const [plain, alibi, sinks] = [{}, { alibi: true }, { sinks: true }].map(
      (more) => new MultiHeadAttention({ ...given, ...more }),
    );
    const distance = (h: number, i: number, j: number): number => -(2 ** (-4 * (h + 1))) * Math.abs(i - j);
    const each = (f: (h: number, i: number, j: number) => number): Tensor =>
      tensor(
        Float32Array.from({ length: 50 }, (_, at) => f(Math.floor(at / 25), Math.floor(at / 5) % 5, at % 5)),
        { shape: [1, 2, 5, 5] },
      );
    const out = (one: MultiHeadAttention, inputs = {}) => values(one.forward(x, inputs));
    expectClose(await out(alibi), await out(plain, { bias: each(distance) }));
    const hidden = await out(plain, { mask: each((_h, i, j) => (i === j ? 1 : 0)) });
    expectClose(hidden, await out(plain, { bias: each((_h, i, j) => (i === j ? 0 : -1e9)) }));
    expect(hidden).not.toEqual(await out(plain));
    // One key more of logit 0 and no value: in the first row its own key is the only other.
    expect(Object.keys(sinks.namedParameters())).toContain('sinks');
    const [withSink, without] = [await out(sinks), await out(plain)];
    expect(withSink.slice(0, 6)).not.toEqual(without.slice(0, 6));
    noGrad(() => assign(sinks.sinks as Tensor, tensor([-1e9, -1e9])));
    expectClose(await out(sinks), without);
  });

  it('refuse options and inputs that they do not know', () => {
    const wrong: Record<string, () => unknown> = {
      sead: () => new Linear(2, 3, { sead: 1 } as object),
      inits: () => new Embedding(2, 3, { inits: 'normal' } as object),
      epsilon: () => new RMSNorm(2, { epsilon: 1 } as object),
      epss: () => new LayerNorm(2, { epss: 1 } as object),
      seeds: () => new Dropout(0.5, { seeds: 1 } as object),
      alibis: () => new MultiHeadAttention({ dModel: 4, nHeads: 2, alibis: true } as never),
      dff: () => new MoDABlock({ dModel: 4, nHeads: 2, dff: 3 } as never),
      masks: () =>
        new MultiHeadAttention({ dModel: 4, nHeads: 2 }).forward(tensor([[[1, 2, 3, 4]]]), { masks: 1 } as never),
    };
    for (const [name, call] of Object.entries(wrong)) expect(call, name).toThrow(new RegExp(`unknown option ${name}`));
  });

  it('dropout keeps the mean in training, and everything else', async () => {
    const dropout = new Dropout(0.25, { seed: 4 });
    const x = tensor(new Float32Array(20_000).fill(1));
    const kept = await values(dropout.forward(x));
    expect(new Set(kept.map((value) => value.toFixed(5)))).toEqual(new Set(['0.00000', '1.33333']));
    expect(kept.reduce((a, b) => a + b, 0) / kept.length).toBeCloseTo(1, 1);
    expect(await values(dropout.forward(x))).not.toEqual(kept);
    expect(dropout.eval().forward(x)).toBe(x);
    expect(() => new Dropout(1)).toThrow(ConfigError);
    const [one, other] = await Promise.all([new Dropout(0.5), new Dropout(0.5)].map((each) => values(each.forward(x))));
    expect(one).not.toEqual(other);
  });

  it('dropout drops the same in the replay of a checkpoint, at any depth and call', async () => {
    const gradient = async (wrap: (body: (x: Tensor) => Tensor, x: Tensor) => Tensor): Promise<number[][]> => {
      const dropout = new Dropout(0.5, { seed: 4 });
      const w = asParameter(tensor(new Float32Array(50).fill(1)));
      const inner = (x: Tensor): Tensor => wrap((from) => mul(dropout.forward(from), w), dropout.forward(x));
      const out = wrap(
        (from) => dropout.forward(inner(from)),
        wrap((from) => dropout.forward(from), w),
      );
      backward(tidy(() => sum(out)));
      return [await values(w.grad!), await values(dropout.forward(w))];
    };
    const plain = await gradient((body, x) => body(x));
    expect(new Set(plain[0]).size).toBeGreaterThan(1);
    expect(await gradient((body, x) => checkpoint(body, [x]))).toEqual(plain);
  });

  it('layer norm and linear are their operators', async () => {
    const [norm, map] = [new LayerNorm(3), new Linear(3, 2, { seed: 5 })];
    const x = tensor([[1, 2, 6]]);
    const [y] = await values(norm.forward(x));
    expect(y).toBeCloseTo(-2 / Math.sqrt(14 / 3 + 1e-5), 6);
    const w = await values(map.weight);
    expect((await values(map.forward(x)))[0]).toBeCloseTo(w[0] + 2 * w[1] + 6 * w[2], 6);
  });
});

describe('initialisers [reference]', () => {
  const seeded = { seed: 7 };
  const stdOf = (all: number[]): number => {
    const average = all.reduce((a, b) => a + b, 0) / all.length;
    return Math.sqrt(all.reduce((total, x) => total + (x - average) ** 2, 0) / all.length);
  };
  const expected: [InitializerKind, number][] = [
    ['normal', 1],
    // Of a normal cut at two standard deviations.
    ['truncated-normal', 0.8796],
    ['xavier-uniform', Math.sqrt(2 / 300)],
    ['xavier-normal', Math.sqrt(2 / 300)],
    ['kaiming-uniform', Math.sqrt(2 / 200)],
    ['kaiming-normal', Math.sqrt(2 / 200)],
  ];
  it.each(expected)('%s has its deviation, and the same values for a seed', async (kind, std) => {
    const all = await values(initialize([100, 200], kind, seeded));
    expect(Math.abs(stdOf(all) / std - 1)).toBeLessThan(0.02);
    expect(await values(initialize([100, 200], kind, seeded))).toEqual(all);
    expect(await values(initialize([100, 200], kind, { seed: 8 }))).not.toEqual(all);
    if (kind === 'truncated-normal') expect(Math.max(...all.map(Math.abs))).toBeLessThanOrEqual(2);
  });

  it.each([
    [5, 13],
    [13, 5],
    [7, 7],
  ])('orthogonal [%i, %i] has orthonormal rows or columns', async (rows, columns) => {
    const all = await values(initialize([rows, columns], 'orthogonal', seeded));
    const row = (i: number): number[] => all.slice(i * columns, (i + 1) * columns);
    const column = (j: number): number[] => all.filter((_, at) => at % columns === j);
    const vectors = Array.from({ length: Math.min(rows, columns) }, (_, i) => (rows <= columns ? row(i) : column(i)));
    for (const [i, a] of vectors.entries()) {
      for (const [j, b] of vectors.entries()) {
        const dot = a.reduce((total, x, at) => total + x * b[at], 0);
        expect(Math.abs(dot - Number(i === j))).toBeLessThan(1e-6);
      }
    }
  });

  it('refuse what they are not', () => {
    const make = (shape: number[], kind: unknown) => () => initialize(shape, kind as InitializerKind, seeded);
    expect(make([2, 2], 'orthogonl')).toThrow('Did you mean orthogonal?');
    expect(make([2, 2], { kind: 'normal', std: 0 })).toThrow(ConfigError);
    expect(make([2, 2], null)).toThrow(ConfigError);
    expect(make([2], 'orthogonal')).toThrow(ShapeError);
    expect(make([2, 2, 2], 'kaiming-normal')).toThrow(ShapeError);
    expect(() => initialize([2, 2], 'normal', { seed: -1 })).toThrow(ConfigError);
  });

  it('without seeds differ from each other, and come again after manualSeed', async () => {
    manualSeed(3);
    const [a, b] = [new Linear(4, 4), new Linear(4, 4)];
    expect(await values(a.weight)).not.toEqual(await values(b.weight));
    manualSeed(3);
    expect(await values(new Linear(4, 4).weight)).toEqual(await values(a.weight));
    expect(await values(noGrad(() => sub(a.weight, a.weight)))).toEqual(new Array(16).fill(0));
  });
});
