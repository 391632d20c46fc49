import {
  type Checkpoint,
  checkpointFolder,
  MemoryStorage,
  readLatestCheckpoint,
  requireResumable,
  resolveRunConfig,
  writeCheckpoint,
} from '@modajs/train';
import type { FuzzTarget } from '../fuzz-target.ts';
import { mutateBytes } from '../mutate-bytes.ts';
import { mutateJson } from '../mutate-json.ts';

const STATE = `${checkpointFolder(3)}/state.json`;
const identity = { seed: 1, 'optimizer.lr': 0.001, 'data.sources': '[{"path":"a","weight":1}]' };
const checkpoint: Checkpoint = {
  state: {
    step: 3,
    plannedSteps: 10,
    optimizerSteps: 3,
    position: { drawn: 9, bySource: [9] },
    lossScale: { scale: 1, cleanSteps: 0, skipped: 0 },
    guard: { meanLoss: 5, count: 1, events: 0 },
    unsettled: [],
    best: null,
  },
  identity,
  writtenBy: { trainer: '0.0.0' },
  files: { 'model.safetensors': Uint8Array.of(1, 2, 3) },
};

async function written(): Promise<MemoryStorage> {
  const storage = new MemoryStorage();
  await writeCheckpoint(storage, checkpoint);
  return storage;
}

async function signed(content: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(content));
  return JSON.stringify({ sha256: Buffer.from(digest).toString('hex'), content });
}

/** A checkpoint's `state.json` as it lies there (first byte 0), or its content under a right checksum (first byte 1). */
export const target: FuzzTarget = {
  name: 'checkpoint',
  seeds: async () => {
    const text = new TextDecoder().decode(await (await written()).read(STATE));
    const { content } = JSON.parse(text) as { content: string };
    const encode = (kind: number, of: string) => Uint8Array.from([kind, ...new TextEncoder().encode(of)]);
    return [encode(0, text), encode(1, content)];
  },
  mutate: (bytes, random) => {
    const body = bytes.subarray(1);
    if (bytes[0] === 1 && random.chance(0.7)) {
      const text = mutateJson(new TextDecoder().decode(body), random);
      return Uint8Array.from([1, ...new TextEncoder().encode(text)]);
    }
    return Uint8Array.from([bytes[0], ...mutateBytes(body, random)]);
  },
  run: async (bytes) => {
    const storage = await written();
    const text = new TextDecoder().decode(bytes.subarray(1));
    await storage.write(STATE, bytes[0] === 1 ? await signed(text) : text);
    const found = await readLatestCheckpoint(storage);
    if (found === null) throw new Error('the checkpoint is there');
    requireResumable(found, { config: resolveRunConfig({ training: { steps: 10 } }), identity });
  },
};
