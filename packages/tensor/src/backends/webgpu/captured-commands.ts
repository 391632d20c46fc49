import type { Dispatch } from '@modajs/kernels/executor';
import type { CapturedCommands } from '../backend.ts';
import type { BufferPool, PooledBuffer } from './buffer-pool.ts';
import type { CommandRecorder } from './command-recorder.ts';
import type { Transfers } from './transfers.ts';

/** A recorded command with all that its repetition needs. */
export type LoggedCommand =
  | {
      readonly kind: 'dispatch';
      readonly dispatch: Omit<Dispatch, 'uniformOffset'>;
      /** Contents of the uniform block and its size in the layout; null without one. */
      readonly uniform: { readonly block: Uint8Array; readonly bytes: number } | null;
      readonly buffers: readonly PooledBuffer[];
    }
  | {
      readonly kind: 'copy';
      readonly from: PooledBuffer;
      readonly fromOffset: number;
      readonly to: GPUBuffer;
      readonly toOffset: number;
      readonly bytes: number;
    }
  | {
      readonly kind: 'write';
      readonly buffer: PooledBuffer;
      readonly byteOffset: number;
      readonly bytes: Uint8Array<ArrayBuffer>;
    };

/** What `captureCommands` works on. */
export interface CaptureContext {
  readonly recorder: CommandRecorder;
  readonly pool: BufferPool;
  readonly transfers: Transfers;
}

/**
 * Runs `body` and keeps what it recorded, for replays that cost the host a few calls a dispatch. A replay works on the same
 * buffers: those that were free again when `body` ended must be free at a replay, the others belong to whoever got them.
 */
export function captureCommands(context: CaptureContext, body: (position: () => number) => void): CapturedCommands {
  const { recorder, pool, transfers } = context;
  const log: LoggedCommand[] = [];
  const acquired = new Set<PooledBuffer>();
  recorder.log = log;
  pool.acquired = acquired;
  try {
    body(() => log.length);
  } finally {
    recorder.log = null;
    pool.acquired = null;
  }
  const scratch = [...acquired].filter((buffer) => pool.isFree(buffer));
  const used = [...new Set(log.flatMap(buffersOf))];
  const { generation } = pool;
  return {
    length: log.length,
    replay(between) {
      if (pool.generation !== generation || !scratch.every((buffer) => pool.isFree(buffer))) return false;
      try {
        for (const [index, command] of log.entries()) {
          between?.get(index)?.();
          repeat(command, recorder, transfers);
        }
        between?.get(log.length)?.();
      } finally {
        for (const buffer of used) buffer.lastUse = recorder.submission;
        for (const buffer of scratch) pool.touch(buffer);
      }
      return true;
    },
  };
}

function buffersOf(command: LoggedCommand): readonly PooledBuffer[] {
  if (command.kind === 'dispatch') return command.buffers;
  return [command.kind === 'copy' ? command.from : command.buffer];
}

function repeat(command: LoggedCommand, recorder: CommandRecorder, transfers: Transfers): void {
  switch (command.kind) {
    case 'dispatch': {
      const { dispatch, uniform } = command;
      recorder.reserve(uniform?.bytes ?? 0);
      const uniformOffset = uniform && recorder.uniforms.push(uniform.block, uniform.bytes);
      recorder.dispatch({ ...dispatch, uniformOffset });
      return;
    }
    case 'copy':
      recorder.copy(command.from, command.fromOffset, command.to, command.toOffset, command.bytes);
      return;
    case 'write':
      // Whether commands before this one use the buffer is not known here: they go first.
      recorder.flush();
      transfers.write(command.buffer, command.byteOffset, command.bytes);
  }
}
