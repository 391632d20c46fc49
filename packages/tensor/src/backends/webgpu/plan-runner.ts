import type { DeviceCapabilities, KernelPass, KernelPlan } from '@modajs/kernels';
import { bindRanges, PipelineCache } from '@modajs/kernels/executor';
import { elementBytes } from '../../core/dtype.ts';
import type { ArrayView } from '../backend.ts';
import { BindGroupCache, type BoundRange } from './bind-group-cache.ts';
import type { BufferPool, PooledBuffer } from './buffer-pool.ts';
import type { CommandRecorder } from './command-recorder.ts';
import type { Failures } from './failures.ts';
import { webGpuStorage } from './webgpu-storage.ts';

/** Start of a window into a large buffer: satisfies every device's alignment. */
const WINDOW_ALIGNMENT = 256;
const MAX_PLANS = 8192;

/** An operand as a plan sees it. */
export interface Operand extends BoundRange {
  readonly view: ArrayView;
  /** Where the view starts, in elements from the start of the binding. */
  readonly start: number;
}

function spanOf({ shape, strides }: ArrayView): number {
  let span = 1;
  for (let d = 0; d < shape.length; d++) {
    if (shape[d] === 0) return 0;
    span += (shape[d] - 1) * strides[d];
  }
  return span;
}

/** The binding of a view: its whole buffer when one binding can hold that, else a window around the view. */
export function operandOf(view: ArrayView, capabilities: DeviceCapabilities): Operand {
  const { buffer } = webGpuStorage(view.storage);
  if (buffer.size <= capabilities.maxBindingBytes) {
    return { view, buffer, offset: 0, size: buffer.size, start: view.offset };
  }
  const bytes = elementBytes(view.dtype);
  // An empty view may start at the buffer's end, where no window fits.
  const furthest = buffer.size - WINDOW_ALIGNMENT;
  const offset = Math.min(Math.floor((view.offset * bytes) / WINDOW_ALIGNMENT) * WINDOW_ALIGNMENT, furthest);
  const end = Math.ceil(((view.offset + spanOf(view)) * bytes) / WINDOW_ALIGNMENT) * WINDOW_ALIGNMENT;
  const size = Math.max(WINDOW_ALIGNMENT, Math.min(end, buffer.size) - offset);
  return { view, buffer, offset, size, start: view.offset - offset / bytes };
}

function describe(operands: Readonly<Record<string, Operand>>): string {
  return Object.entries(operands)
    .map(([name, { view }]) => `${name} ${view.dtype}[${view.shape.join(', ')}]`)
    .join(', ');
}

/** Turns plans into recorded dispatches: pipelines, bind groups, uniform blocks, scratch memory, operands that overlap. */
export class PlanRunner {
  readonly #pipelines: PipelineCache;
  readonly #groups: BindGroupCache;
  readonly #plans = new Map<string, KernelPlan>();

  constructor(
    readonly capabilities: DeviceCapabilities,
    readonly pool: BufferPool,
    readonly recorder: CommandRecorder,
    readonly failures: Failures,
  ) {
    this.#pipelines = new PipelineCache(recorder.device);
    this.#groups = new BindGroupCache(recorder.device, recorder.uniforms.buffer);
  }

  operand(view: ArrayView): Operand {
    return operandOf(view, this.capabilities);
  }

  /** The plan that `make` makes, remembered by everything it depends on. */
  plan(key: string, make: () => KernelPlan): KernelPlan {
    let plan = this.#plans.get(key);
    if (!plan) {
      if (this.#plans.size >= MAX_PLANS) this.#plans.clear();
      plan = make();
      this.#plans.set(key, plan);
    }
    return plan;
  }

  /** Submits what is recorded and forgets bind groups: buffers are about to be destroyed. */
  forgetBuffers(): void {
    this.recorder.flush();
    this.#groups.clear();
  }

  /** Records every pass of a plan. @throws KernelError for an operand larger than a binding */
  run(plan: KernelPlan, operands: Readonly<Record<string, Operand>>): void {
    if (plan.passes.length === 0) return;
    const scratch: PooledBuffer[] = [];
    const ranges: Record<string, BoundRange> = { ...operands };
    for (const name in plan.workspace) {
      const buffer = this.pool.acquire(plan.workspace[name], `workspace of ${plan.passes[0].label}`);
      scratch.push(buffer);
      ranges[name] = { buffer, offset: 0, size: buffer.size };
    }
    for (const pass of plan.passes) {
      this.failures.note(pass.label, () => describe(operands));
      this.#record(pass, this.#bind(pass, ranges, scratch));
    }
    for (const buffer of scratch) this.pool.release(buffer);
  }

  #record(pass: KernelPass, bound: readonly BoundRange[]): void {
    const { layout, pipeline } = this.#pipelines.prepare(pass);
    this.recorder.reserve(layout.uniformBytes);
    for (const { buffer } of bound) buffer.lastUse = this.recorder.submission;
    const { label, workgroups } = pass;
    const block = pass.uniform && new Uint8Array(pass.uniform);
    const dispatch = { label, pipeline, group: this.#groups.get(layout, bound, label), workgroups };
    const uniformOffset = block && this.recorder.uniforms.push(block, layout.uniformBytes);
    this.recorder.dispatch({ ...dispatch, uniformOffset });
    this.recorder.log?.push({
      kind: 'dispatch',
      dispatch,
      uniform: block && { block, bytes: layout.uniformBytes },
      buffers: bound.map(({ buffer }) => buffer),
    });
  }

  /** WebGPU forbids reading a buffer that the same dispatch writes, even another part of it: such inputs are copied first. */
  #bind(pass: KernelPass, ranges: Readonly<Record<string, BoundRange>>, scratch: PooledBuffer[]): BoundRange[] {
    const bound = bindRanges(pass, ranges, this.capabilities.maxBindingBytes);
    const isWritten = (buffer: PooledBuffer) =>
      pass.bindings.some(({ access }, i) => access === 'read_write' && bound[i].buffer === buffer);
    return bound.map((range, i) =>
      pass.bindings[i].access === 'read' && isWritten(range.buffer) ? this.#snapshot(range, scratch) : range,
    );
  }

  #snapshot({ buffer, offset, size }: BoundRange, scratch: PooledBuffer[]): BoundRange {
    const copy = this.pool.acquire(size, 'copy of an operand that is also written');
    scratch.push(copy);
    this.recorder.copy(buffer, offset, copy.gpu, 0, size);
    copy.lastUse = this.recorder.submission;
    return { buffer: copy, offset: 0, size: copy.size };
  }
}
