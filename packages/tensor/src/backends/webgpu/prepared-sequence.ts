import { BUFFER_USAGE, KernelError, type KernelPass, type KernelPlan, SMALLER_OPERAND } from '@modajs/kernels';
import type { ArrayView } from '../backend.ts';
import type { BoundRange } from './bind-group-cache.ts';
import type { PooledBuffer } from './buffer-pool.ts';
import type { Dispatch } from './command-recorder.ts';
import type { PipelineCache, PreparedPass } from './pipeline-cache.ts';
import type { PlanRunner } from './plan-runner.ts';

/** A plan and the memory that it works on. */
export interface PreparedCall {
  readonly plan: KernelPlan;
  readonly operands: Readonly<Record<string, ArrayView>>;
}

/** A pass with everything it binds. */
interface BoundPass {
  readonly pass: KernelPass;
  readonly prepared: PreparedPass;
  readonly ranges: readonly BoundRange[];
}

/**
 * Dispatches that are recorded again and again on the same memory: pipelines, bind groups and uniform blocks are prepared
 * once, a replay costs the host three calls a dispatch. What changes between replays lives in device memory that a kernel
 * updates or the host writes. Operands must stay alive, and no operand that a pass writes may be another that it reads.
 */
export class PreparedSequence implements Disposable {
  readonly #runner: PlanRunner;
  readonly #dispatches: readonly Dispatch[];
  readonly #buffers: readonly PooledBuffer[];
  readonly #scratch: PooledBuffer[] = [];
  readonly #uniforms: GPUBuffer | null;

  /**
   * @param pipelines a cache whose layouts have no dynamic offset
   * @throws KernelError for a name that is neither operand nor workspace, and for an operand larger than a binding
   */
  constructor(runner: PlanRunner, pipelines: PipelineCache, calls: readonly PreparedCall[]) {
    this.#runner = runner;
    const bound = calls.flatMap((call) => this.#bind(call, pipelines));
    const { device } = runner.recorder;
    const alignment = device.limits.minUniformBufferOffsetAlignment;
    const sizes = bound.map(({ prepared }) => Math.ceil(prepared.layout.uniformBytes / alignment) * alignment);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    const blocks = new Uint8Array(total);
    const usage = BUFFER_USAGE.UNIFORM | BUFFER_USAGE.COPY_DST;
    this.#uniforms = total > 0 ? device.createBuffer({ size: total, usage, label: 'prepared uniform blocks' }) : null;
    let offset = 0;
    this.#dispatches = bound.map((entry, i) => {
      if (entry.pass.uniform) blocks.set(new Uint8Array(entry.pass.uniform), offset);
      const dispatch = this.#prepare(entry, offset);
      offset += sizes[i];
      return dispatch;
    });
    if (this.#uniforms) device.queue.writeBuffer(this.#uniforms, 0, blocks);
    this.#buffers = [...new Set(bound.flatMap(({ ranges }) => ranges.map(({ buffer }) => buffer)))];
  }

  /** Dispatches of one replay. */
  get length(): number {
    return this.#dispatches.length;
  }

  /** Records all dispatches, in order, behind what is recorded already. */
  replay(): void {
    const { recorder } = this.#runner;
    recorder.replay(this.#dispatches);
    for (const buffer of this.#buffers) buffer.lastUse = recorder.submission;
  }

  /** Gives scratch memory back. Replays that are recorded still happen. */
  dispose(): void {
    for (const buffer of this.#scratch) this.#runner.pool.release(buffer);
    if (this.#uniforms) {
      this.#runner.recorder.flush();
      this.#uniforms.destroy();
    }
    this.#scratch.length = 0;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #bind({ plan, operands }: PreparedCall, pipelines: PipelineCache): BoundPass[] {
    const ranges: Record<string, BoundRange> = {};
    for (const [name, view] of Object.entries(operands)) ranges[name] = this.#runner.operand(view);
    for (const [name, bytes] of Object.entries(plan.workspace)) {
      const buffer = this.#runner.pool.acquire(bytes, 'workspace of a prepared sequence');
      this.#scratch.push(buffer);
      ranges[name] = { buffer, offset: 0, size: buffer.size };
    }
    return plan.passes.map((pass) => {
      this.#runner.failures.note(pass.label, () => 'prepared');
      return {
        pass,
        prepared: pipelines.prepare(pass),
        ranges: pass.bindings.map(({ buffer }) => this.#range(pass, buffer, ranges)),
      };
    });
  }

  #range({ label }: KernelPass, name: string, ranges: Readonly<Record<string, BoundRange>>): BoundRange {
    const range = ranges[name];
    if (!range) {
      throw new KernelError(`webgpu: ${label} binds "${name}", which must be an operand or workspace, got neither.`);
    }
    const { maxBindingBytes } = this.#runner.capabilities;
    if (range.size > maxBindingBytes) {
      throw new KernelError(
        `webgpu: ${label} needs "${name}" within one binding of ${maxBindingBytes} B, got ${range.size} B. ${SMALLER_OPERAND}`,
        { operand: name, bytes: range.size },
      );
    }
    return range;
  }

  #prepare({ pass, prepared, ranges }: BoundPass, uniformOffset: number): Dispatch {
    const { layout, pipeline } = prepared;
    const entries: GPUBindGroupEntry[] = ranges.map(({ buffer, offset, size }, binding) => ({
      binding,
      resource: { buffer: buffer.gpu, offset, size },
    }));
    if (layout.uniformBytes > 0) {
      const resource = { buffer: this.#uniforms!, offset: uniformOffset, size: layout.uniformBytes };
      entries.push({ binding: ranges.length, resource });
    }
    const { label, workgroups } = pass;
    const group = this.#runner.recorder.device.createBindGroup({ label, layout: layout.group, entries });
    return { label, pipeline, group, uniformOffset: null, workgroups };
  }
}
