import { type SafetensorsInput, writeSafetensors } from '@modajs/tensor';
import { deferRejection } from '../run/defer-rejection.ts';
import type { RunListener } from '../run/run-event.ts';
import type { RunStorage } from '../storage/run-storage.ts';
import { StorageFullError } from '../storage/storage-full-error.ts';
import {
  type Checkpoint,
  checkpointFolder,
  pruneCheckpoints,
  type TrainingState,
  writeCheckpoint,
} from './checkpoint.ts';
import type { RunIdentity } from './run-identity.ts';

/** Tensors of one checkpoint by file: `{ model: {...}, optimizer: {...}, ema: {...} }`. */
export type TensorFiles = Readonly<Record<string, Readonly<Record<string, SafetensorsInput>>>>;

/**
 * Saves checkpoints while training goes on: tensors are read back when `save` is called, the files are written behind the
 * next steps. A full disk is reported and the run continues on the checkpoints it has.
 */
export class CheckpointKeeper {
  private writing: Promise<void> = Promise.resolve();
  private failure: StorageFullError | null = null;
  /** Checkpoints that were written or read here. */
  private readonly whole: Set<number>;

  constructor(
    private readonly storage: RunStorage,
    private readonly options: {
      readonly keepLast: number;
      readonly identity: RunIdentity;
      readonly writtenBy: Readonly<Record<string, string>>;
      readonly listener: RunListener;
      /** Step of the checkpoint that the run goes on from. */
      readonly resumedStep?: number;
    },
  ) {
    this.whole = new Set(options.resumedStep === undefined ? [] : [options.resumedStep]);
  }

  /** Resolves when the tensors are on the host; the files follow. Waits for the save before it, if that still runs. */
  async save(state: TrainingState, tensors: TensorFiles): Promise<void> {
    const files: Record<string, Uint8Array> = {};
    for (const [name, entries] of Object.entries(tensors)) {
      files[`${name}.safetensors`] = await writeSafetensors(entries, { format: 'pt' });
    }
    await this.writing;
    const { identity, writtenBy } = this.options;
    this.writing = deferRejection(this.write({ state, identity, writtenBy, files }));
  }

  /** Waits for the last save. @throws StorageFullError when it failed */
  async finish(): Promise<void> {
    await this.writing;
    if (this.failure) throw this.failure;
  }

  private async write(checkpoint: Checkpoint): Promise<void> {
    const { keepLast, listener } = this.options;
    const { step, best } = checkpoint.state;
    try {
      await writeCheckpoint(this.storage, checkpoint);
      this.whole.add(step);
      await pruneCheckpoints(this.storage, { step, keepLast, best: best?.step ?? null, whole: this.whole });
      this.failure = null;
      listener({ kind: 'checkpoint', step, folder: checkpointFolder(step) });
    } catch (error) {
      if (!(error instanceof StorageFullError)) throw error;
      this.failure = error;
      listener({ kind: 'warning', message: error.message });
    }
  }
}
