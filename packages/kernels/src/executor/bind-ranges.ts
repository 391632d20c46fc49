import { KernelError } from '../plan/kernel-error.ts';
import type { KernelPass } from '../plan/plan.ts';
import { SMALLER_OPERAND } from '../plan/smaller-operand.ts';

/** Part of a buffer that a binding sees, in bytes. */
export interface BufferRange {
  readonly buffer: { readonly gpu: GPUBuffer };
  readonly offset: number;
  readonly size: number;
}

/**
 * What the bindings of a pass see, in their order.
 *
 * @param ranges operands and workspace by the names that plans bind
 * @throws KernelError for a name that is neither, and for more bytes than one binding may have
 */
export function bindRanges<Range extends BufferRange>(
  { label, bindings }: KernelPass,
  ranges: Readonly<Record<string, Range>>,
  maxBindingBytes: number,
): (Range | Pick<Range, 'buffer' | 'offset' | 'size'>)[] {
  return bindings.map(({ buffer: name, range }) => {
    const whole = ranges[name];
    if (!whole)
      throw new KernelError(`webgpu: ${label} binds "${name}", which must be an operand or workspace, got neither.`);
    const part = range ? { buffer: whole.buffer, offset: whole.offset + range.offset, size: range.size } : whole;
    if (part.size > maxBindingBytes) {
      throw new KernelError(
        `webgpu: ${label} needs "${name}" within one binding of ${maxBindingBytes} B, got ${part.size} B. ${SMALLER_OPERAND}`,
        { operand: name, bytes: part.size },
      );
    }
    return part;
  });
}

/** Entries of a bind group: the ranges in order, then the uniform block, if any. */
export function bindGroupEntries(
  ranges: readonly BufferRange[],
  uniform: GPUBufferBinding | null,
): GPUBindGroupEntry[] {
  const entries: GPUBindGroupEntry[] = ranges.map(({ buffer, offset, size }, binding) => ({
    binding,
    resource: { buffer: buffer.gpu, offset, size },
  }));
  if (uniform) entries.push({ binding: ranges.length, resource: uniform });
  return entries;
}
