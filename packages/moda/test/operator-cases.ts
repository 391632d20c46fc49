import { type Device, type InitOptions, init, mul, reshape, slice, type Tensor, tensor } from '@modajs/tensor';
import { attentionCasesOver, type CaseInput, checkOperator, type OperatorCase } from '@modajs/tensor/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { normRopeSplit } from '../src/layer/norm-rope-split.ts';
import { DepthArena } from '../src/stream/depth-arena.ts';

/** An arena with slots `k` `[S, B, T, Hkv, D]`, and one slot more, which holds NaN: it must never leak. */
function arenaOf(k: Tensor, v: Tensor): DepthArena {
  const { device, dtype } = k;
  const [slots, B, T, Hkv, D] = k.shape;
  const Dv = v.shape[4];
  const arena = new DepthArena({ slots: slots + 1, B, T, Hkv, D, Dv, dtype, device });
  const poison = tensor(new Float32Array(B * T * Hkv * Math.max(D, Dv)).fill(Number.NaN), { dtype, device });
  const part = (width: number): Tensor => reshape(slice(poison, [0], [B * T * Hkv * width]), [B, T, Hkv, width]);
  arena.writeSlot(slots, part(D), part(Dv));
  for (let slot = 0; slot < slots; slot++) {
    const pick = (x: Tensor, width: number): Tensor => reshape(slice(x, [slot], [slot + 1]), [B, T, Hkv, width]);
    arena.writeSlot(slot, pick(k, D), pick(v, Dv));
  }
  return arena;
}

const x = (...shape: number[]): CaseInput => ({ shape });
const positions: CaseInput = { shape: [2, 3], kind: 'integer', data: [0, 1, 2, 7, 90, 511] };

const splitCases: readonly OperatorCase[] = [
  ...([null, 'full', 'head'] as const).map(
    (scope): OperatorCase => ({
      name: `normRopeSplit, ${scope === null ? 'rotated only' : `norm: ${scope}`} [B=2 T=3 Hkv=3 D=8]`,
      inputs: [x(2, 3, 2, 3, 8), x(scope === 'full' ? 24 : 8), positions],
      run: ([packed, weight, at]) => {
        const norm = scope === null ? null : { weight, full: scope === 'full' };
        const { k, v } = normRopeSplit(packed, at, { norm, interleaved: scope === 'head' });
        // Without a norm, too, every input takes part.
        return [k, v, mul(weight, weight)];
      },
    }),
  ),
  {
    name: 'normRopeSplit of which only the values are used, norm without weight',
    inputs: [x(1, 5, 2, 1, 4), { shape: [1, 5], kind: 'integer', data: [0, 1, 2, 3, 4] }],
    run: ([packed, at]) => normRopeSplit(packed, at, { norm: { weight: null } }).v,
  },
  {
    name: 'normRopeSplit by frequencies [B=2 T=3 Hkv=2 D=8]',
    inputs: [x(2, 3, 2, 2, 8), positions],
    run: ([packed, at]) => {
      const { k, v } = normRopeSplit(packed, at, { frequencies: [1, 0.3, 0.004, 0], norm: { weight: null } });
      return [k, v];
    },
  },
];

const families: Readonly<Record<string, readonly OperatorCase[]>> = {
  'attention over an arena': attentionCasesOver((k, v) => arenaOf(k, v).read(k.shape[0])),
  normRopeSplit: splitCases,
};

/** Declares one test per case and dtype on a device. */
export function describeOperators(label: string, options: InitOptions): void {
  let device: Device;
  beforeAll(async () => {
    device = await init(options);
  });
  afterAll(() => device.destroy());

  for (const [family, cases] of Object.entries(families)) {
    describe(family, () => {
      for (const operator of cases) {
        for (const dtype of ['f32', 'f16'] as const) {
          it(`${operator.name} equals f64, forward and backward [${label} ${dtype}]`, async () => {
            expect((await checkOperator(operator, device, dtype)).message).toBe('');
          });
        }
      }
    });
  }
}
