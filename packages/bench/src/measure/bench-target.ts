import type { AttentionConfig, AttentionProblem, DepthReader } from '@modajs/kernels';
import type { AttentionImplementation, MatmulJob } from '../job.ts';
import type { BenchEnvironment } from '../result.ts';
import type { DeviceTraits } from './device-traits.ts';
import type { OperandMemory } from './operand-memory.ts';

/** Milliseconds of the runs of one thing. */
export interface Timing {
  readonly timesMs: readonly number[];
  readonly passMs?: Readonly<Record<string, number>>;
  readonly timedBy: 'timestamps' | 'wall';
}

/** Work that is ready to run: compiled, bound. */
export interface Runnable {
  /** The kernels, for people. */
  readonly implementation: string;
  /** Whether a configuration of the device's tuning is what runs; absent where kernels have none. */
  readonly isTuned?: boolean | undefined;
  /** Bytes of scratch memory beside the operands. */
  readonly workspaceBytes: number;
  run(): Promise<void>;
  time(runs: number): Promise<Timing>;
}

/** Which attention to prepare. */
export interface AttentionRequest {
  readonly problem: AttentionProblem;
  readonly implementation: AttentionImplementation;
  readonly config?: AttentionConfig;
}

/** A device as benchmarks see it. Each job opens a session and closes it: operands belong to the job. */
export interface BenchTarget {
  readonly traits: DeviceTraits;
  readonly environment: Omit<BenchEnvironment, 'robustness' | 'runtime'>;
  openSession(): BenchSession;
  /** Bytes read plus written per second by a copy of `bytes`. */
  copyBytesPerSecond(bytes: number): Promise<number>;
}

export interface BenchSession {
  readonly memory: OperandMemory;
  matmul(job: MatmulJob): Promise<Runnable>;
  attentionForward(request: AttentionRequest): Promise<Runnable>;
  attentionBackward(request: AttentionRequest): Promise<Runnable>;
  depthGather(problem: AttentionProblem, readers: readonly DepthReader[]): Promise<Runnable>;
  /** Raises what the device reported since the last call. */
  check(): Promise<void>;
  close(): void;
}
