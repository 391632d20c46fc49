import { setFlagsFromString } from 'node:v8';
import { describe, expect, it } from 'vitest';
import { expectAccurate, place, room, take, wave } from '../../test/test-runtime.ts';
import { matmul } from '../ops/matmul.ts';
import { exact, matmulReference, toF32 } from '../reference/index.ts';
import { createCpuRuntime } from './cpu-runtime.ts';
import { hasRelaxedSimd, moduleBytes } from './wasm-module.ts';
import { webAssembly } from './web-assembly.ts';

describe('relaxed SIMD', () => {
  it('has a build of its own, which runs and is as accurate [cpu]', async () => {
    // Node 20 has relaxed SIMD behind a flag, later versions always.
    if (!hasRelaxedSimd()) setFlagsFromString('--experimental-wasm-relaxed-simd');
    expect(hasRelaxedSimd()).toBe(true);
    expect(webAssembly.validate(await moduleBytes('relaxed-simd', true))).toBe(true);
    const runtime = await createCpuRuntime({ threads: 2 });
    expect(runtime.build).toBe('relaxed-simd');
    const [M, N, K] = [67, 31, 129];
    const [a, b, out] = [
      place(runtime, wave(M * K), [M, K]),
      place(runtime, wave(K * N, 2), [K, N]),
      room(runtime, [M, N]),
    ];
    matmul(runtime, a, b, out);
    const reference = (round: (x: number) => number) =>
      matmulReference(wave(M * K), wave(K * N, 2), { batch: 1, M, N, K }, round);
    expectAccurate(take(runtime, out), reference(exact), reference(toF32));
    runtime.destroy();
  });

  it('keeps to plain SIMD when asked [cpu]', async () => {
    const runtime = await createCpuRuntime({ threads: 1, build: 'simd' });
    expect(runtime.build).toBe('simd');
    expect(webAssembly.validate(await moduleBytes('simd', true))).toBe(true);
    runtime.destroy();
  });
});
