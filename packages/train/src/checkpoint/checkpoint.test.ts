import { CheckpointError } from '@modajs/tensor';
import { describe, expect, it } from 'vitest';
import { initialSpikeGuard } from '../run/spike-guard.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { StorageFullError } from '../storage/storage-full-error.ts';
import {
  type Checkpoint,
  checkpointFolder,
  DamagedCheckpointError,
  listCheckpoints,
  pruneCheckpoints,
  readCheckpoint,
  readLatestCheckpoint,
  writeCheckpoint,
} from './checkpoint.ts';
import { sha256 } from './sha256.ts';

function checkpoint(step: number): Checkpoint {
  return {
    state: {
      step,
      optimizerSteps: step,
      position: { drawn: step * 8, bySource: [step * 8] },
      lossScale: { scale: 1, cleanSteps: 0, skipped: 0 },
      guard: initialSpikeGuard,
      unsettled: [],
      best: null,
    },
    identity: { seed: 1 },
    writtenBy: { train: '0.0.0' },
    files: { 'model.safetensors': Uint8Array.from([step, 1, 2, 3]), 'optimizer.safetensors': Uint8Array.from([4]) },
  };
}

describe('checkpoints', () => {
  it('come back as they were written', async () => {
    const storage = new MemoryStorage();
    await writeCheckpoint(storage, checkpoint(7));
    expect(await readCheckpoint(storage, 7)).toEqual(checkpoint(7));
  });

  it.each([
    ['cut short', (bytes: Uint8Array) => bytes.subarray(0, -1)],
    ['empty', () => new Uint8Array()],
    ['altered in one bit', (bytes: Uint8Array) => bytes.map((b, i) => (i === 2 ? b ^ 16 : b))],
  ])('a file %s is noticed in every file and the previous checkpoint is used', async (_, damage) => {
    for (const name of ['model.safetensors', 'optimizer.safetensors', 'state.json']) {
      const storage = new MemoryStorage();
      await writeCheckpoint(storage, checkpoint(5));
      await writeCheckpoint(storage, checkpoint(10));
      const path = `${checkpointFolder(10)}/${name}`;
      const bytes = await storage.read(path);
      const spoiled = bytes.length === 1 && damage(bytes).length === 1 ? Uint8Array.from([9]) : damage(bytes);
      await storage.write(path, spoiled);
      const complaints: string[] = [];
      const found = await readLatestCheckpoint(storage, { onDamaged: ({ message }) => complaints.push(message) });
      expect(found?.state.step).toBe(5);
      expect(complaints).toHaveLength(1);
      expect(complaints[0]).toContain('step-00000010 is damaged');
    }
  });

  it('a missing file is a CheckpointError', async () => {
    const storage = new MemoryStorage();
    await writeCheckpoint(storage, checkpoint(5));
    await storage.remove(`${checkpointFolder(5)}/model.safetensors`);
    await expect(readCheckpoint(storage, 5)).rejects.toThrow(DamagedCheckpointError);
    await expect(readLatestCheckpoint(storage)).rejects.toThrow('must hold a whole checkpoint, got 1 damaged');
  });

  it('one that cannot be read, or is of a newer format, is not passed over', async () => {
    class Failing extends MemoryStorage {
      override async read(path: string): Promise<Uint8Array> {
        if (path.includes('10/model')) throw new CheckpointError('storage: no.', { code: 'EIO' });
        return super.read(path);
      }
    }
    const failing = new Failing();
    const newer = new MemoryStorage();
    const signed = new MemoryStorage();
    for (const storage of [failing, newer, signed]) {
      await writeCheckpoint(storage, checkpoint(5));
      await writeCheckpoint(storage, checkpoint(10));
    }
    await expect(readLatestCheckpoint(failing)).rejects.toThrow('storage: no.');
    const state = `${checkpointFolder(10)}/state.json`;
    await newer.write(state, '{"format":2,"parts":[]}');
    await expect(readLatestCheckpoint(newer)).rejects.toThrow('must have format 1, got 2');
    const content = JSON.stringify({ format: 3 });
    const sum = await sha256(new TextEncoder().encode(content));
    await signed.write(state, JSON.stringify({ sha256: sum, content }));
    await expect(readLatestCheckpoint(signed)).rejects.toThrow('must have format 1, got 3');
  });

  it.each(['null', '[]', '{"format":1}', '{"format":1,"identity":{},"writtenBy":{},"files":{},"state":null}'])(
    'a state file that says %s under a right checksum is damaged',
    async (content) => {
      const storage = new MemoryStorage();
      await writeCheckpoint(storage, checkpoint(5));
      const sum = await sha256(new TextEncoder().encode(content));
      await storage.write(`${checkpointFolder(5)}/state.json`, JSON.stringify({ sha256: sum, content }));
      await expect(readCheckpoint(storage, 5)).rejects.toThrow(DamagedCheckpointError);
    },
  );

  it('the newest and the best are kept', async () => {
    const storage = new MemoryStorage();
    for (const step of [10, 20, 30, 40]) await writeCheckpoint(storage, checkpoint(step));
    await pruneCheckpoints(storage, { step: 40, keepLast: 2, best: 10, whole: new Set([20, 30, 40]) });
    expect(await listCheckpoints(storage)).toEqual([10, 30, 40]);
  });

  it('a whole one is never removed in favour of damaged ones, before or after it', async () => {
    const storage = new MemoryStorage();
    for (const step of [10, 20, 25, 30, 40]) await writeCheckpoint(storage, checkpoint(step));
    // The run went on from 10, for 20, 30 and 40 are damaged, and saved 25.
    await pruneCheckpoints(storage, { step: 25, keepLast: 2, best: null, whole: new Set([10, 25]) });
    expect(await listCheckpoints(storage)).toEqual([10, 25, 30, 40]);
  });

  it('a full medium leaves the previous checkpoint whole', async () => {
    const storage = new MemoryStorage();
    await writeCheckpoint(storage, checkpoint(5));
    storage.limitBytes = 100;
    await expect(writeCheckpoint(storage, checkpoint(6))).rejects.toThrow(StorageFullError);
    expect((await readLatestCheckpoint(storage))?.state.step).toBe(5);
  });
});
