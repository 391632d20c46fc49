import type { KernelPass } from '../plan/plan.ts';
import { type BufferRange, bindGroupEntries } from './bind-ranges.ts';
import { BUFFER_USAGE } from './gpu-flags.ts';
import type { PreparedPass } from './pipeline-cache.ts';

/** A dispatch, ready to record. */
export interface Dispatch {
  readonly label: string;
  readonly pipeline: GPUComputePipeline;
  readonly group: GPUBindGroup;
  /** Dynamic offset of the uniform block; null without one, and where the bind group holds the block's place. */
  readonly uniformOffset: number | null;
  readonly workgroups: readonly [number, number, number];
}

/** A pass with everything it binds; its layout has no dynamic offset. */
export interface BoundPass {
  readonly pass: KernelPass;
  readonly prepared: PreparedPass;
  readonly ranges: readonly BufferRange[];
}

/** Dispatches whose bind groups and uniform blocks are made once, to be recorded as often as one likes. */
export interface PreparedDispatches {
  readonly dispatches: readonly Dispatch[];
  /** Uniform blocks of all passes; null when none has one. Its owner destroys it. */
  readonly uniforms: GPUBuffer | null;
}

/** Makes the bind groups of passes, and one buffer for all their uniform blocks. */
export function prepareDispatches(device: GPUDevice, passes: readonly BoundPass[]): PreparedDispatches {
  const alignment = device.limits.minUniformBufferOffsetAlignment;
  const sizes = passes.map(({ prepared }) => Math.ceil(prepared.layout.uniformBytes / alignment) * alignment);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const blocks = new Uint8Array(total);
  const usage = BUFFER_USAGE.UNIFORM | BUFFER_USAGE.COPY_DST;
  const uniforms = total > 0 ? device.createBuffer({ size: total, usage, label: 'prepared uniform blocks' }) : null;
  let offset = 0;
  const dispatches = passes.map(
    ({ pass: { label, uniform, workgroups }, prepared: { layout, pipeline }, ranges }, i) => {
      const block = uniform && { buffer: uniforms!, offset, size: layout.uniformBytes };
      if (uniform) blocks.set(new Uint8Array(uniform), offset);
      offset += sizes[i]!;
      const group = device.createBindGroup({ label, layout: layout.group, entries: bindGroupEntries(ranges, block) });
      return { label, pipeline, group, uniformOffset: null, workgroups };
    },
  );
  if (uniforms) device.queue.writeBuffer(uniforms, 0, blocks);
  return { dispatches, uniforms };
}

/** Records prepared dispatches into a compute pass; a pipeline is set where it differs from the one before. */
export function encodeDispatches(pass: GPUComputePassEncoder, dispatches: readonly Dispatch[]): void {
  let current: GPUComputePipeline | null = null;
  for (const { pipeline, group, workgroups } of dispatches) {
    if (pipeline !== current) pass.setPipeline(pipeline);
    current = pipeline;
    pass.setBindGroup(0, group);
    pass.dispatchWorkgroups(workgroups[0], workgroups[1], workgroups[2]);
  }
}
