import type { PassBinding } from './plan.ts';

/** Whole operands that a pass reads, in the order of the shader's interface. */
export function reads(...buffers: readonly string[]): PassBinding[] {
  return buffers.map((buffer) => ({ buffer, access: 'read' }));
}

/** Whole operands that a pass writes, or reads and writes. */
export function writes(...buffers: readonly string[]): PassBinding[] {
  return buffers.map((buffer) => ({ buffer, access: 'read_write' }));
}
