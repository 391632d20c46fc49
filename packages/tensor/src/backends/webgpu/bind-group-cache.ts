import { type BindingLayout, type BufferRange, bindGroupEntries } from '@modajs/kernels/executor';
import type { PooledBuffer } from './buffer-pool.ts';

/** Part of a pooled buffer that a binding sees, in bytes. */
export interface BoundRange extends BufferRange {
  readonly buffer: PooledBuffer;
}

const MAX_GROUPS = 16384;

/** Bind groups by layout and ranges. The pool hands out the same buffers step after step, so most lookups hit. */
export class BindGroupCache {
  readonly #groups = new Map<string, GPUBindGroup>();

  constructor(
    readonly device: GPUDevice,
    readonly uniforms: GPUBuffer,
  ) {}

  get(layout: BindingLayout, ranges: readonly BoundRange[], label: string): GPUBindGroup {
    let key = `${layout.id}`;
    for (const { buffer, offset, size } of ranges) key += ` ${buffer.id}@${offset}+${size}`;
    let group = this.#groups.get(key);
    if (!group) {
      if (this.#groups.size >= MAX_GROUPS) this.clear();
      group = this.#create(layout, ranges, label);
      this.#groups.set(key, group);
    }
    return group;
  }

  /** Forgets everything: buffers are about to be destroyed. */
  clear(): void {
    this.#groups.clear();
  }

  #create(layout: BindingLayout, ranges: readonly BoundRange[], label: string): GPUBindGroup {
    const { group, uniformBytes } = layout;
    const uniform = uniformBytes > 0 ? { buffer: this.uniforms, size: uniformBytes } : null;
    return this.device.createBindGroup({ label, layout: group, entries: bindGroupEntries(ranges, uniform) });
  }
}
