import { describe, expect, it } from 'vitest';
import { BASELINE_CAPABILITIES } from './capabilities.ts';
import { enableDTypes, requireDTypes, supportsDType } from './dtype-support.ts';
import { DTYPES, type KernelDType } from './dtype-table.ts';

const half = { ...BASELINE_CAPABILITIES, f16: true };
const dtypes = Object.keys(DTYPES) as KernelDType[];

describe('dtypes of a device', () => {
  it('are those that WGSL names, f16 with its extension alone', () => {
    expect(dtypes.filter((dtype) => supportsDType(BASELINE_CAPABILITIES, dtype))).toEqual(['f32', 'i32', 'u32']);
    expect(dtypes.filter((dtype) => supportsDType(half, dtype))).toEqual(['f32', 'f16', 'i32', 'u32']);
  });

  it('are refused by name', () => {
    expect(() => requireDTypes('gather', BASELINE_CAPABILITIES, 'f32', 'f16')).toThrow(
      'kernels: gather on f16 needs a device with shader-f16, which this one lacks. Use f32.',
    );
    expect(() => requireDTypes('gather', half, 'bf16')).toThrow(/gather on bf16 .*WGSL has no such type. Use f32/);
  });

  it('are enabled once, and not where none needs it', () => {
    expect(enableDTypes('fn main() {}', ['f16', 'f32', 'f16'])).toBe('enable f16;\nfn main() {}');
    expect(enableDTypes('fn main() {}', ['f32', 'i32'])).toBe('fn main() {}');
  });

  it.each(dtypes)('%s has as many bytes here as on the host, and numbers come back from their bits', (dtype) => {
    const { bytes, perVector, StoredArray, encode, decode } = DTYPES[dtype];
    expect(new StoredArray(1).byteLength).toBe(bytes);
    expect(perVector * bytes).toBe(16);
    for (const value of [0, 1, 3, 96]) expect((decode ?? Number)((encode ?? Number)(value))).toBe(value);
  });
});
