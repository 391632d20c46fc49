import type { DeviceCapabilities } from './capabilities.ts';
import { dtypeEntry, type KernelDType } from './dtype-table.ts';
import { KernelError } from './kernel-error.ts';

/** Whether shaders on a device can store a dtype. */
export function supportsDType(caps: Pick<DeviceCapabilities, 'f16'>, dtype: KernelDType): boolean {
  const { wgsl, extension } = dtypeEntry(dtype);
  return wgsl !== null && (extension === null || caps[extension]);
}

/** @throws KernelError when the device lacks the extension that one of the dtypes needs */
export function requireDTypes(operation: string, caps: DeviceCapabilities, ...dtypes: readonly KernelDType[]): void {
  const missing = dtypes.find((dtype) => !supportsDType(caps, dtype));
  if (missing === undefined) return;
  const { wgsl } = dtypeEntry(missing);
  const lacks =
    wgsl === null
      ? 'a device with it, and WGSL has no such type'
      : `a device with shader-${wgsl}, which this one lacks`;
  throw new KernelError(`kernels: ${operation} on ${missing} needs ${lacks}. Use f32.`);
}

/** A shader with the `enable` lines of the dtypes it names, but for those it has already. */
export function enableDTypes(shader: string, dtypes: readonly KernelDType[]): string {
  const extensions = new Set(dtypes.map((dtype) => dtypeEntry(dtype).extension).filter((name) => name !== null));
  const missing = [...extensions].filter((name) => !new RegExp(`^enable\\b[^;]*\\b${name}\\b`, 'm').test(shader));
  return missing.map((name) => `enable ${name};\n`).join('') + shader;
}
