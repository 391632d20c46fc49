import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backward, type Device, init, tensor } from '@modajs/tensor';
import { resolveRunConfig } from '@modajs/train';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createModel, type PreparedRun, prepareRun, startFrom } from '../src/run/prepare-run.ts';
import { writeSmallLlama } from './small-llama.ts';

let cwd = '';
let device: Device;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'moda-qlora-'));
  await writeFile(join(cwd, 'text.txt'), 'a bead, a cab, a face, '.repeat(40));
  device = await init({ device: 'cpu', threads: 1 });
});
afterAll(async () => {
  device.destroy();
  await rm(cwd, { recursive: true, force: true });
});

const ids = (first: number) =>
  tensor(
    Int32Array.from({ length: 19 }, (_, i) => (first + 5 * i) % 260),
    { shape: [1, 19], dtype: 'i32', device },
  );

/** Loss of a run's first step, and the norm of its adapter's gradient. */
async function firstStep(prepared: PreparedRun) {
  using decoder = createModel(prepared, device);
  const started = await startFrom(prepared, decoder, join(cwd, 'runs'));
  const loss = decoder.loss(ids(3), ids(8));
  backward(loss);
  const gradients = Object.values(decoder.adapters[0].parameters()).map(({ grad }) => grad!.data());
  const squares = (await Promise.all(gradients)).flatMap((values) => Array.from(values, (x) => x * x));
  return { loss: await loss.item(), norm: Math.hypot(...squares), sha256: started.origin!.sha256, decoder };
}

const prepare = (from: string, lora: object) =>
  prepareRun(
    resolveRunConfig({
      from,
      lora,
      data: { sources: [join(cwd, 'text.txt')] },
      training: { batchSize: 1, seqLen: 19 },
    }),
    join(cwd, 'runs/tuned'),
    { resumes: false, out: join(cwd, 'runs') },
  );

describe('moda train --from a quantised GGUF file with --lora [cpu]', () => {
  it.each(['Q8_0', 'Q4_0'] as const)('keeps its blocks, and has the loss of the widened model: %s', async (storage) => {
    await writeSmallLlama(cwd, storage, 3, storage);
    const prepared = await prepare(join(cwd, `${storage}.gguf`), { rank: 2, targets: ['q_proj', 'down_proj'] });
    const { quantized, ...plain } = prepared.origin!;
    expect(Object.values(quantized!)).toEqual(Array(21).fill(storage.toLowerCase()));
    const kept = await firstStep(prepared);
    const widened = await firstStep({ ...prepared, origin: plain });
    expect([kept.decoder.quantized.size, widened.decoder.quantized.size]).toEqual([21, 0]);
    expect(Math.abs(kept.loss / widened.loss - 1)).toBeLessThan(1e-6);
    expect(Math.abs(kept.norm / widened.norm - 1)).toBeLessThan(1e-5);
    expect(kept.sha256).toBe(widened.sha256);
  });

  it('widens all where all weights are trained, and has no blocks in a folder', async () => {
    const gguf = await prepare(join(cwd, 'Q4_0.gguf'), {});
    const folder = await prepare(join(cwd, 'Q4_0'), { rank: 2 });
    expect([gguf.origin!.quantized, folder.origin!.quantized]).toEqual([undefined, undefined]);
  });
});
