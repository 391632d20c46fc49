import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import {
  type Device,
  type DeviceName,
  init,
  noGrad,
  type Tensor,
  tensor,
  tidy,
  writeSafetensors,
} from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createDecoder,
  type Decoder,
  DecoderCache,
  generate,
  type ModelFolder,
  readHuggingFace,
} from '../src/index.ts';
import { hashedValues } from './hashed-values.ts';

/** One model as `tooling/transformers-oracle/make-families.py` wrote it. */
export interface OracleCase {
  readonly config: Readonly<Record<string, unknown>>;
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly normBase: number;
  /** f32 `[rows, V]`, base64. */
  readonly logits: string;
  readonly largest: number;
  readonly greedy: readonly number[];
}

interface OracleFile {
  readonly ids: readonly number[];
  readonly rows: readonly number[];
  readonly vocabSize: number;
  readonly cases: Readonly<Record<string, OracleCase>>;
}

const path = process.env['MODA_FAMILIES'] ?? new URL('families.json.gz', import.meta.url);
export const oracle: OracleFile = JSON.parse(gunzipSync(readFileSync(path)).toString());

/** The files of a case. */
export async function folderOf({ config, shapes, normBase }: OracleCase): Promise<ModelFolder> {
  const tensors = Object.entries(shapes).map(([name, shape]) => [
    name,
    { dtype: 'F32' as const, ...hashedValues(name, shape, normBase) },
  ]);
  const files = new Map<string, Uint8Array>([
    ['config.json', new TextEncoder().encode(JSON.stringify(config))],
    ['model.safetensors', await writeSafetensors(Object.fromEntries(tensors))],
  ]);
  return { read: async (name) => files.get(name) ?? null };
}

export async function modelOf(one: OracleCase): Promise<Decoder> {
  const { config, parameters } = await readHuggingFace(await folderOf(one));
  const model = createDecoder(config);
  model.loadParameters(parameters);
  return model;
}

const rowsOf = (ids: readonly number[]): Tensor => tensor([[...ids]], { dtype: 'i32' });

/** Logits `[T][V]` of one pass, or of a step for each `size` positions with a cache. */
async function logitsOf(model: Decoder, ids: readonly number[], size: number | null): Promise<number[]> {
  if (size === null) return Array.from(await tidy(() => noGrad(() => model.logits(model.forward(rowsOf(ids))))).data());
  using cache = new DecoderCache(model.config, { B: 1, capacity: ids.length, device: model.device });
  const all: number[] = [];
  for (let start = 0; start < ids.length; start += size) {
    const part = rowsOf(ids.slice(start, start + size));
    all.push(...(await tidy(() => noGrad(() => model.logits(model.forward(part, { cache })))).data()));
  }
  return all;
}

/** Every case on a device: logits of transformers, greedy text, and decoding with a cache. */
export function defineFamiliesOn(name: DeviceName, cases: readonly string[] = Object.keys(oracle.cases)): void {
  const { ids, rows, vocabSize: V } = oracle;
  describe(`families as transformers computes them [${name}]`, () => {
    let device: Device;
    beforeAll(async () => {
      device = await init({ device: name });
    });
    afterAll(() => device.destroy());

    for (const title of cases) {
      const one = oracle.cases[title];
      it(`logits within 1e-5 of the largest, greedy text equal: ${title}`, { timeout: 400_000 }, async () => {
        using model = await modelOf(one);
        const theirs = new Float32Array(Uint8Array.from(Buffer.from(one.logits, 'base64')).buffer);
        const ours = await logitsOf(model, ids, null);
        const close = (a: number, b: number): void => expect(Math.abs(a - b)).toBeLessThan(1e-5 * one.largest);
        rows.forEach((row, r) => {
          for (let v = 0; v < V; v++) close(ours[row * V + v], theirs[r * V + v]);
        });
        // Scalings that turn all keys anew beyond a length have no cache there.
        const { ropeScaling } = model.config;
        const isSteady = !(ropeScaling && 'trainedLength' in ropeScaling && ropeScaling.trainedLength < ids.length + 8);
        if (ropeScaling?.kind !== 'dynamic' && ropeScaling?.kind !== 'longrope' ? true : isSteady) {
          for (const size of [1, 5]) (await logitsOf(model, ids, size)).forEach((value, i) => close(value, ours[i]));
        } else {
          await expect(logitsOf(model, ids, 1)).rejects.toThrow('a cache ends where ropeScaling');
        }
        if (ropeScaling?.kind === 'dynamic' && !isSteady) return;
        const text: number[] = [];
        for await (const { id } of generate(model, [...ids], { maxNewTokens: 8, temperature: 0 })) text.push(id);
        expect(text).toEqual(one.greedy);
      });
    }
  });
}
