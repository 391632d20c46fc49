import {
  asParameter,
  backward,
  type Device,
  type DeviceName,
  DTypeError,
  init,
  ShapeError,
  slotTensors,
  sum,
  type Tensor,
  tensor,
} from '@modajs/tensor';
import { type CaseInput, checkOperator, type OperatorCase } from '@modajs/tensor/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type AttentionResult,
  attention,
  depthAttention,
  moda,
  modaChunkVisible,
  type SequenceOptions,
} from '../src/index.ts';

const [B, T, Tk, capacity, H, Hkv, D, Dv, S] = [2, 5, 7, 9, 6, 2, 3, 4, 2];
/** Documents of 4 and 3 keys, in which the queries sit at positions 2 to 6. */
const documents = Array.from({ length: B }, () => [0, 4, 0, 4, 4, 7, 4, 7, 4, 7]).flat();

/** A call's numbers: arrays of the shapes that operators take. */
interface Numbers {
  readonly q: Float64Array;
  readonly k: Float64Array;
  readonly v: Float64Array;
  /** `[S, B, T, Hkv, D]` and `[S, B, T, Hkv, Dv]`, or none. */
  readonly depthK?: Float64Array;
  readonly depthV?: Float64Array;
  readonly sinks?: readonly number[];
  readonly alibi?: readonly number[];
  /** Of `[B, H, T, Tk]`. */
  readonly bias?: (at: readonly [b: number, h: number, i: number, j: number]) => number;
  readonly sees?: (at: readonly [b: number, h: number, i: number, j: number]) => boolean;
  readonly softcap?: number;
}

const scale = 1 / Math.sqrt(D);

/** One softmax written out, key by key. */
function plainAttention(x: Numbers): { out: number[]; lse: number[] } {
  const out: number[] = [];
  const lse = new Array<number>(B * H * T);
  for (let b = 0; b < B; b++)
    for (let i = 0; i < T; i++)
      for (let h = 0; h < H; h++) {
        const head = Math.floor(h / (H / Hkv));
        const q = x.q.subarray(((b * T + i) * H + h) * D, ((b * T + i) * H + h + 1) * D);
        const logit = (k: Float64Array, row: number): number => {
          const s = scale * q.reduce((total, value, d) => total + value * k[row * D + d], 0);
          return x.softcap ? x.softcap * Math.tanh(s / x.softcap) : s;
        };
        const weights: number[] = [];
        const total = new Array<number>(Dv).fill(0);
        const add = (score: number, v: Float64Array, row: number): void => {
          weights.push(Math.exp(score));
          for (let d = 0; d < Dv; d++) total[d] += Math.exp(score) * v[row * Dv + d];
        };
        for (let j = 0; j < Tk; j++) {
          if (!(x.sees?.([b, h, i, j]) ?? true)) continue;
          const row = (b * capacity + j) * Hkv + head;
          const slope = x.alibi?.[h] ?? 0;
          const far = Math.abs(i + Tk - T - j);
          add(logit(x.k, row) + (x.bias?.([b, h, i, j]) ?? 0) - slope * far, x.v, row);
        }
        for (let slot = 0; x.depthK && slot < S; slot++) {
          const row = ((slot * B + b) * T + i) * Hkv + head;
          add(logit(x.depthK, row), x.depthV!, row);
        }
        if (x.sinks) weights.push(Math.exp(x.sinks[h]));
        const whole = weights.reduce((a, w) => a + w, 0);
        out.push(...total.map((value) => (whole > 0 ? value / whole : 0)));
        lse[(b * H + h) * T + i] = Math.log(whole);
      }
  return { out, lse };
}

function wave(length: number, phase: number): Float64Array {
  return Float64Array.from({ length }, (_, i) => Math.fround(Math.sin(1.7 * i + phase) * Math.cos(0.37 * i * phase)));
}

const numbers = {
  q: wave(B * T * H * D, 1),
  k: wave(B * capacity * Hkv * D, 2),
  v: wave(B * capacity * Hkv * Dv, 3),
};
const slots = { depthK: wave(S * B * T * Hkv * D, 4), depthV: wave(S * B * T * Hkv * Dv, 5) };
const sinks = [0.3, -1, 2, 0, -0.5, 1];
const alibi = [0.5, 0.25, 0.125, 0, 1, 2];
const shapes = { q: [B, T, H, D], k: [B, capacity, Hkv, D], v: [B, capacity, Hkv, Dv] };
const biasValues = wave(H * T * Tk, 6);
const maskValues = Array.from({ length: B * T * Tk }, (_, n) => Number(n % 3 !== 1));
const isCausal = (i: number, j: number): boolean => j <= i + Tk - T;

function operands(): { q: Tensor; k: Tensor; v: Tensor } {
  const made = (name: keyof typeof shapes): Tensor => tensor(numbers[name], { shape: shapes[name] });
  return { q: made('q'), k: made('k'), v: made('v') };
}

function reading(): ReturnType<typeof slotTensors> {
  return slotTensors(
    tensor(slots.depthK, { shape: [S, B, T, Hkv, D] }),
    tensor(slots.depthV, { shape: [S, B, T, Hkv, Dv] }),
  );
}

type Options = Omit<SequenceOptions, 'Tk'>;
type PlainOptions = Omit<Numbers, 'q' | 'k' | 'v'>;

/** Options, and what they say key by key. Tensors are made when the device is open. */
const claims: Readonly<Record<string, readonly [() => Options, PlainOptions]>> = {
  softcap: [() => ({ softcap: 0.4 }), { softcap: 0.4, sees: ([, , i, j]) => isCausal(i, j) }],
  'sinks, softcap': [
    () => ({ softcap: 0.4, sinks: tensor(sinks) }),
    { softcap: 0.4, sinks, sees: ([, , i, j]) => isCausal(i, j) },
  ],
  'sinks, window 3 over documents': [
    () => ({ sinks: tensor(sinks), window: 3, docRange: tensor(documents, { shape: [B, T, 2], dtype: 'i32' }) }),
    {
      sinks,
      sees: ([, , i, j]) => isCausal(i, j) && i + Tk - T - j < 3 && j >= documents[2 * i] && j < documents[2 * i + 1],
    },
  ],
  'a bias [H, T, Tk]': [
    () => ({ bias: tensor(biasValues, { shape: [H, T, Tk] }) }),
    { bias: ([, h, i, j]) => biasValues[(h * T + i) * Tk + j], sees: ([, , i, j]) => isCausal(i, j) },
  ],
  'a bias [1, Tk] after a cap, not causal, window 3': [
    () => ({ bias: tensor(biasValues.subarray(0, Tk), { shape: [1, Tk] }), softcap: 0.4, causal: false, window: 3 }),
    { bias: ([, , , j]) => biasValues[j], softcap: 0.4, sees: ([, , i, j]) => i + Tk - T - j < 3 },
  ],
  'a mask [B, 1, T, Tk] of i32, with sinks': [
    () => ({ mask: tensor(maskValues, { shape: [B, 1, T, Tk], dtype: 'i32' }), sinks: tensor(sinks) }),
    { sinks, sees: ([b, , i, j]) => isCausal(i, j) && maskValues[(b * T + i) * Tk + j] !== 0 },
  ],
  'ALiBi, not causal': [() => ({ alibi: tensor(alibi), causal: false }), { alibi }],
  'ALiBi over documents': [
    () => ({ alibi: tensor(alibi), docRange: tensor(documents, { shape: [B, T, 2], dtype: 'i32' }) }),
    { alibi, sees: ([, , i, j]) => isCausal(i, j) && j >= documents[2 * i] && j < documents[2 * i + 1] },
  ],
};

async function expectClose(actual: AttentionResult, expected: { out: number[]; lse: number[] }): Promise<void> {
  for (const name of ['out', 'lse'] as const) {
    const values = Array.from(await actual[name].data());
    expect(values.length).toBe(expected[name].length);
    const far = values.map((x, n) => (x === expected[name][n] ? 0 : Math.abs(x - expected[name][n])));
    expect(Math.max(...far), name).toBeLessThan(2e-6);
  }
}

const x = (...shape: number[]): CaseInput => ({ shape });
const qkv = [x(B, T, H, D), x(B, capacity, Hkv, D), x(B, capacity, Hkv, Dv)];
const depthInputs = [x(S, B, T, Hkv, D), x(S, B, T, Hkv, Dv)];
const both = ({ out, lse }: AttentionResult): Tensor[] => [out, lse];

/** Gradients to every operand and option, on every device, in f32 and f16. */
const cases: readonly OperatorCase[] = [
  {
    name: 'attention, sinks',
    inputs: [...qkv, x(H)],
    run: ([q, k, v, at]) => both(attention(q, k, v, { Tk, sinks: at })),
  },
  {
    name: 'moda, sinks, softcap',
    inputs: [...qkv, ...depthInputs, x(H)],
    run: ([q, k, v, dk, dv, at]) => both(moda(q, k, v, slotTensors(dk, dv), { Tk, sinks: at, softcap: 0.7 })),
  },
  {
    name: 'depthAttention, sinks',
    inputs: [x(B, T, H, D), ...depthInputs, x(H)],
    run: ([q, dk, dv, at]) => both(depthAttention(q, slotTensors(dk, dv), { sinks: at })),
  },
  {
    name: 'attention, bias [B, H, T, Tk], softcap',
    inputs: [...qkv, x(B, H, T, Tk)],
    run: ([q, k, v, bias]) => both(attention(q, k, v, { Tk, bias, softcap: 0.7 })),
  },
  {
    name: 'moda, bias [H, 1, Tk], mask, sinks',
    inputs: [...qkv, ...depthInputs, x(H, 1, Tk), x(H)],
    run: ([q, k, v, dk, dv, bias, at], device) => {
      const mask = tensor(maskValues, { shape: [B, 1, T, Tk], device });
      return both(moda(q, k, v, slotTensors(dk, dv), { Tk, bias, mask, sinks: at, causal: false }));
    },
  },
  {
    name: 'modaChunkVisible C=3, ALiBi, softcap',
    inputs: [...qkv, ...depthInputs, x(H)],
    run: ([q, k, v, dk, dv, slopes]) =>
      both(modaChunkVisible(q, k, v, slotTensors(dk, dv), { Tk, chunk: 3, alibi: slopes, softcap: 0.7 })),
  },
];

/** What the options of attention mean, on one device. */
export function describeLogitOptions(name: DeviceName): void {
  describe(`options of attention [${name}]`, () => {
    let device: Device;
    beforeAll(async () => {
      device = await init({ device: name });
    });
    afterAll(() => device.destroy());

    for (const [claim, [options, plain]] of Object.entries(claims)) {
      it(`${claim}: attention equals the sums written out [B=${B} T=${T} Tk=${Tk} H=${H} Hkv=${Hkv}]`, async () => {
        const { q, k, v } = operands();
        await expectClose(attention(q, k, v, { Tk, ...options() }), plainAttention({ ...numbers, ...plain }));
      });

      it(`${claim}: moda and chunks of one equal the sums written out [S=${S}]`, async () => {
        const { q, k, v } = operands();
        const expected = plainAttention({ ...numbers, ...slots, ...plain });
        await expectClose(moda(q, k, v, reading(), { Tk, ...options() }), expected);
        await expectClose(modaChunkVisible(q, k, v, reading(), { Tk, chunk: 1, ...options() }), expected);
      });
    }

    it('takes the depth chunks of a cache where a mask is given', async () => {
      const { q, k, v } = operands();
      const docRange = tensor(documents, { shape: [B, T, 2], dtype: 'i32' });
      const options = { chunk: 3, docRange };
      const ones = tensor([1], { shape: [1, 1] });
      const expected = modaChunkVisible(q, k, v, reading(), { ...options, Tk });
      const actual = modaChunkVisible(q, k, v, reading(), { ...options, Tk, mask: ones });
      const values = async ({ out, lse }: AttentionResult) => ({
        out: Array.from(await out.data()),
        lse: Array.from(await lse.data()),
      });
      await expectClose(actual, await values(expected));
    });

    it('gives a query without keys 0, -Infinity and no gradient, and its slots alone with depth', async () => {
      const { q, k, v } = operands();
      for (const leaf of [q, k, v]) asParameter(leaf);
      const mask = tensor([0], { shape: [1, 1] });
      const bias = asParameter(tensor(biasValues, { shape: [H, T, Tk] }));
      const { out, lse } = attention(q, k, v, { Tk, mask, bias });
      expect(Array.from(await out.data()).every((value) => value === 0)).toBe(true);
      expect(Array.from(await lse.data()).every((value) => value === -Infinity)).toBe(true);
      backward(sum(out));
      for (const { grad } of [q, k, v, bias]) {
        expect(Array.from(await grad!.data()).every((value) => value === 0)).toBe(true);
      }
      const hidden = moda(q, k, v, reading(), { Tk, mask });
      const alone = depthAttention(q, reading());
      await expectClose(hidden, { out: Array.from(await alone.out.data()), lse: Array.from(await alone.lse.data()) });
      const sunk = attention(q, k, v, { Tk, mask, sinks: tensor(sinks) });
      expect(Array.from(await sunk.out.data()).every((value) => value === 0)).toBe(true);
      expect((await sunk.lse.data())[T]).toBeCloseTo(sinks[1], 6);
    });

    it('refuses tensors that do not meet the logits', () => {
      const { q, k, v } = operands();
      const run = (options: Options) => () => attention(q, k, v, { Tk, ...options });
      expect(run({ bias: tensor(numbers.q, { shape: [B, T, H, D] }) })).toThrow(ShapeError);
      expect(run({ bias: tensor([1, 2], { shape: [2] }) })).toThrow('bias must broadcast to [B, H, T, Tk] = [2,6,5,7]');
      expect(run({ mask: tensor([1], { shape: [1, 1, 1, 1, 1] }) })).toThrow('mask must broadcast');
      expect(run({ bias: tensor([1], { shape: [1], dtype: 'i32' }) })).toThrow(DTypeError);
      expect(run({ alibi: tensor([1]) })).toThrow('alibi must be [H] = [6], got [1]');
      expect(run({ sinks: tensor([1]) })).toThrow('sinks must be [H] = [6], got [1]');
      expect(run({ softcap: 0 })).toThrow('softcap');
    });

    for (const operator of cases) {
      for (const dtype of ['f32', 'f16'] as const) {
        it(`${operator.name}: values and gradients equal f64 [${dtype}]`, async () => {
          expect((await checkOperator(operator, device, dtype)).message).toBe('');
        });
      }
    }
  });
}
