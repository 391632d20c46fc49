import {
  type BoundPass,
  bindRanges,
  type PreparedDispatches,
  prepareDispatches,
  preparedPipelines,
} from '@modajs/kernels/executor';
import type { BoundRange } from './bind-group-cache.ts';
import type { PooledBuffer } from './buffer-pool.ts';
import type { PlanRunner } from './plan-runner.ts';
import type { PreparedCall, PreparedSequence } from './webgpu-kernels.ts';

/** A pass bound to buffers of the pool. */
interface PooledPass extends BoundPass {
  readonly ranges: readonly BoundRange[];
}

/** `PreparedSequence` on buffers of the pool. */
export class RecordedSequence implements PreparedSequence {
  readonly #runner: PlanRunner;
  readonly #prepared: PreparedDispatches;
  readonly #buffers: readonly PooledBuffer[];
  readonly #scratch: PooledBuffer[] = [];

  /** @throws KernelError for a name that is neither operand nor workspace, and for an operand larger than a binding */
  constructor(runner: PlanRunner, calls: readonly PreparedCall[]) {
    this.#runner = runner;
    const passes = calls.flatMap((call) => this.#bind(call));
    this.#prepared = prepareDispatches(runner.recorder.device, passes);
    this.#buffers = [...new Set(passes.flatMap(({ ranges }) => ranges.map(({ buffer }) => buffer)))];
  }

  get length(): number {
    return this.#prepared.dispatches.length;
  }

  replay(): void {
    const { recorder } = this.#runner;
    recorder.replay(this.#prepared.dispatches);
    for (const buffer of this.#buffers) buffer.lastUse = recorder.submission;
  }

  dispose(): void {
    for (const buffer of this.#scratch) this.#runner.pool.release(buffer);
    const { uniforms } = this.#prepared;
    if (uniforms) {
      this.#runner.recorder.flush();
      uniforms.destroy();
    }
    this.#scratch.length = 0;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #bind({ plan, operands }: PreparedCall): PooledPass[] {
    const { capabilities, failures, pool, recorder } = this.#runner;
    const ranges: Record<string, BoundRange> = {};
    for (const [name, view] of Object.entries(operands)) ranges[name] = this.#runner.operand(view);
    for (const [name, bytes] of Object.entries(plan.workspace)) {
      const buffer = pool.acquire(bytes, 'workspace of a prepared sequence');
      this.#scratch.push(buffer);
      ranges[name] = { buffer, offset: 0, size: buffer.size };
    }
    return plan.passes.map((pass) => {
      failures.note(pass.label, () => 'prepared');
      const prepared = preparedPipelines(recorder.device).prepare(pass);
      return { pass, prepared, ranges: bindRanges(pass, ranges, capabilities.maxBindingBytes) };
    });
  }
}
