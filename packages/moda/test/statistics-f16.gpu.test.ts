import { cast, type Device, DTypeError, init, type Tensor, withoutScope } from '@modajs/tensor';
import { partNotRun } from '@modajs/vitest/part-not-run';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AttentionLayerConfig, AttentionProbe } from '../src/index.ts';
import { read } from './moda-identities.ts';
import { base, DEPTH_KEYS, type LastLayerOptions, lastLayer, SIZES } from './three-layers.ts';

const { B, T, H, Hkv, D } = SIZES;

/** A row of the softmax: probabilities of the sequence keys, then of the depth keys. */
interface Row {
  readonly sequence: number[];
  readonly depth: number[];
}

/** Copies of a probe's queries and keys, which live on. */
interface Operands {
  readonly sequenceQ: Tensor;
  readonly q: Tensor;
  readonly k: Tensor;
  readonly slots: readonly Tensor[];
  readonly chunk: number;
}

function operandsOf({ sequenceQ, q, k, slots, config }: AttentionProbe): Operands {
  const copy = (x: Tensor): Tensor => withoutScope(() => cast(x, 'f32'));
  return { sequenceQ: copy(sequenceQ), q: copy(q), k: copy(k), slots: slots.map(copy), chunk: config.depthChunk };
}

/** Every row `[B, H, T]` by plain loops from the very f16 queries and keys, each product and sum rounded by `round`. */
async function rowsOf(operands: Operands, round: (x: number) => number): Promise<Row[]> {
  const [sequenceQ, q, k] = [await read(operands.sequenceQ), await read(operands.q), await read(operands.k)];
  const slots = await Promise.all(operands.slots.map(read));
  const rows: Row[] = [];
  for (let b = 0; b < B; b++)
    for (let h = 0; h < H; h++)
      for (let t = 0; t < T; t++) {
        const row = (tk: number): number => ((b * T + tk) * Hkv + Math.floor((h * Hkv) / H)) * D;
        const logit = (query: readonly number[], keys: readonly number[], at: number): number => {
          let sum = 0;
          for (let d = 0; d < D; d++) sum = round(sum + round(query[((b * T + t) * H + h) * D + d] * keys[at + d]));
          return round(sum / Math.sqrt(D));
        };
        const firstVisible = t - (t % operands.chunk);
        const sequence = Array.from({ length: t + 1 }, (_, tk) => logit(sequenceQ, k, row(tk)));
        const depth = slots.flatMap((keys) =>
          Array.from({ length: t + 1 - firstVisible }, (_, i) => logit(q, keys, row(firstVisible + i))),
        );
        const total = [...sequence, ...depth].reduce((sum, x) => round(sum + round(Math.exp(x))), 0);
        const share = (x: number): number => round(round(Math.exp(x)) / total);
        rows.push({ sequence: sequence.map(share), depth: depth.map(share) });
      }
  return rows;
}

const total = (values: readonly number[]): number => values.reduce((sum, p) => sum + p, 0);

/** Statistics of the rows, by name. */
function statisticsOf(rows: readonly Row[]): Record<'depthMass' | 'depthEntropy' | 'sinkMass', number[]> {
  const entropy = ({ depth }: Row): number => {
    const mass = total(depth);
    return -total(depth.map((p) => (p / mass) * Math.log(p / mass)));
  };
  return {
    depthMass: rows.map(({ depth }) => total(depth)),
    depthEntropy: rows.map(entropy),
    sinkMass: rows.map(({ sequence }) => sequence[0]),
  };
}

/** The map's rows; hidden keys must be 0. */
function denseRows({ sequence }: Row): number[] {
  return [...sequence, ...new Array<number>(T - sequence.length).fill(0)];
}

const distance = (a: readonly number[], b: readonly number[]): number =>
  Math.max(...b.map((value, i) => Math.abs(a[i] - value)));

/** Twice the error of naive f32 loops over the same f16 values, and 1e-6 for errors that happen to cancel there. */
function expectClose(ours: readonly number[], exact: readonly number[], naive: readonly number[]): void {
  expect(ours).toHaveLength(exact.length);
  expect(distance(ours, exact)).toBeLessThan(2 * distance(naive, exact) + 1e-6);
}

describe('attention statistics of an f16 layer [webgpu]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'webgpu' });
  });
  afterAll(() => device.destroy());

  for (const [name, change] of Object.entries({
    ...DEPTH_KEYS,
    'chunk-visible, C=2': { depthChunk: 2 },
    'a segment for each slot': { maxSegmentBytes: B * T * Hkv * D * 4 },
  } as Record<string, Partial<AttentionLayerConfig> & Pick<LastLayerOptions, 'maxSegmentBytes'>>)) {
    it(`are as exact as in f32, the map too, and leave no memory behind: ${name}`, async () => {
      const { maxSegmentBytes, ...ofConfig } = change;
      const config = { ...base, ...ofConfig };
      const withMap = config.depthChunk === 1;
      if (!device.supportsF16) {
        await expect(lastLayer(config, { dtype: 'f16' })).rejects.toThrow(DTypeError);
        partNotRun('f16');
        return;
      }
      let operands: Operands | null = null;
      const onProbe = (probe: AttentionProbe): void => {
        expect([probe.q.dtype, probe.k.dtype, probe.lse.dtype]).toEqual(['f16', 'f16', 'f32']);
        operands = operandsOf(probe);
      };
      const before = device.memory().liveBytes;
      const { statistics, map } = await lastLayer(config, { dtype: 'f16', maxSegmentBytes, withMap, onProbe });
      const exactRows = await rowsOf(operands!, (x) => x);
      const naiveRows = await rowsOf(operands!, Math.fround);
      const [exact, naive] = [statisticsOf(exactRows), statisticsOf(naiveRows)];
      for (const part of ['depthMass', 'depthEntropy', 'sinkMass'] as const) {
        expect(statistics[part].dtype).toBe('f32');
        expectClose(await read(statistics[part]), exact[part], naive[part]);
      }
      if (withMap) {
        expectClose(await read(map.sequence), exactRows.flatMap(denseRows), naiveRows.flatMap(denseRows));
        const depthOf = (rows: readonly Row[]): number[] => rows.flatMap(({ depth }) => depth);
        expectClose(await read(map.depth!), depthOf(exactRows), depthOf(naiveRows));
      }
      const { slots, chunk: _, ...queriesAndKeys } = operands!;
      const made = [
        ...Object.values(statistics),
        map?.sequence,
        map?.depth,
        ...slots,
        ...Object.values(queriesAndKeys),
      ];
      for (const tensor of made) tensor?.dispose();
      expect(device.memory().liveBytes).toBe(before);
    });
  }
});
