import { expect, it } from 'vitest';
import { unhandledRejections } from '../../test/unhandled-rejections.ts';
import { initialSpikeGuard } from '../run/spike-guard.ts';
import { MemoryStorage } from '../storage/memory-storage.ts';
import { CheckpointKeeper } from './checkpoint-keeper.ts';

it('CheckpointKeeper > a save that fails behind the next steps is told to who finishes, and to nobody before', async () => {
  class Forbidden extends MemoryStorage {
    override async writeFolder(): Promise<void> {
      throw new Error('the folder may not be written');
    }
  }
  const keeper = new CheckpointKeeper(new Forbidden(), {
    keepLast: 1,
    identity: {},
    writtenBy: {},
    listener: () => {},
  });
  const state = {
    step: 1,
    optimizerSteps: 1,
    position: { drawn: 0, bySource: [0] },
    lossScale: { scale: 1, cleanSteps: 0, skipped: 0 },
    guard: initialSpikeGuard,
    unsettled: [],
    best: null,
  };
  const weight = { dtype: 'F32', shape: [2], data: Float32Array.of(1, 2) } as const;
  const reasons = await unhandledRejections(() => keeper.save(state, { model: { weight } }));
  expect(reasons).toEqual([]);
  await expect(keeper.finish()).rejects.toThrow('the folder may not be written');
});
