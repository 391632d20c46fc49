import { type Dispatch, encodeDispatches } from '@modajs/kernels/executor';
import type { PooledBuffer } from './buffer-pool.ts';
import type { LoggedCommand } from './captured-commands.ts';
import type { Profiler } from './profiler.ts';
import type { UniformRing } from './uniform-ring.ts';

/** Dispatches after which a submission goes out anyway, so that the device starts while the host still records. */
const DISPATCHES_PER_SUBMISSION = 256;

/** Records dispatches into one compute pass of one encoder until somebody needs them done. */
export class CommandRecorder {
  #encoder: GPUCommandEncoder | null = null;
  #pass: GPUComputePassEncoder | null = null;
  #dispatches = 0;
  #submission = 0;
  /** Where commands are remembered while they are captured. */
  log: LoggedCommand[] | null = null;

  constructor(
    readonly device: GPUDevice,
    readonly uniforms: UniformRing,
    readonly profiler: Profiler | null,
  ) {}

  /** Number of the submission that is being recorded; `submission` of the past are on their way. */
  get submission(): number {
    return this.#submission;
  }

  dispatch({ label, pipeline, group, uniformOffset, workgroups }: Dispatch): void {
    if (this.profiler !== null) this.#endPass();
    this.#pass ??= this.#recording().beginComputePass(this.profiler?.describePass(label) ?? { label: 'kernels' });
    this.#pass.setPipeline(pipeline);
    if (uniformOffset === null) this.#pass.setBindGroup(0, group);
    else this.#pass.setBindGroup(0, group, [uniformOffset]);
    this.#pass.dispatchWorkgroups(...workgroups);
    this.#dispatches++;
  }

  /** Records dispatches that were prepared before, without uniform blocks of their own in the ring. */
  replay(dispatches: readonly Dispatch[]): void {
    if (this.profiler !== null) {
      for (const dispatch of dispatches) {
        this.reserve(0);
        this.dispatch(dispatch);
      }
      return;
    }
    this.reserve(0);
    this.#pass ??= this.#recording().beginComputePass({ label: 'kernels' });
    encodeDispatches(this.#pass, dispatches);
    this.#dispatches += dispatches.length;
  }

  /** Call before a dispatch and its uniform block: makes room by submitting what is recorded when there is none. */
  reserve(uniformBytes: number): void {
    const isFull = this.#dispatches >= DISPATCHES_PER_SUBMISSION || !this.uniforms.hasRoom(uniformBytes);
    if (isFull || this.profiler?.isFull) this.flush();
  }

  copy(from: PooledBuffer, fromOffset: number, to: GPUBuffer, toOffset: number, bytes: number): void {
    this.#endPass();
    this.#recording().copyBufferToBuffer(from.gpu, fromOffset, to, toOffset, bytes);
    from.lastUse = this.#submission;
    this.log?.push({ kind: 'copy', from, fromOffset, to, toOffset, bytes });
  }

  /** Copies `bytes` from the start of a buffer that is not mapped any more. */
  write(from: GPUBuffer, to: PooledBuffer, toOffset: number, bytes: number): void {
    this.#endPass();
    this.#recording().copyBufferToBuffer(from, 0, to.gpu, toOffset, bytes);
    to.lastUse = this.#submission;
  }

  /** Submits what is recorded; does not wait. */
  flush(): void {
    if (this.#encoder === null) return;
    this.#endPass();
    this.profiler?.resolve(this.#encoder);
    this.uniforms.flush();
    this.device.queue.submit([this.#encoder.finish()]);
    this.profiler?.collect();
    this.#encoder = null;
    this.#dispatches = 0;
    this.#submission++;
  }

  #recording(): GPUCommandEncoder {
    this.#encoder ??= this.device.createCommandEncoder();
    return this.#encoder;
  }

  #endPass(): void {
    this.#pass?.end();
    this.#pass = null;
  }
}
