import { DeviceError, KernelError } from '@modajs/errors';
import { describe, expect, it, vi } from 'vitest';
import { expectAccurate, place, room, take, wave } from '../../test/test-runtime.ts';
import { matmul } from '../ops/matmul.ts';
import { exact, matmulReference } from '../reference/index.ts';
import { CpuMemory } from './cpu-memory.ts';
import { CpuRuntime, createCpuRuntime } from './cpu-runtime.ts';
import { moduleBytes } from './wasm-module.ts';
import { webAssembly } from './web-assembly.ts';

describe('createCpuRuntime', () => {
  for (const threads of [0, 1.5, 65]) {
    it(`refuses ${threads} threads`, async () => {
      await expect(createCpuRuntime({ threads })).rejects.toThrow('threads must be an integer from 1 to 64');
    });
  }

  it('refuses more memory than an address can name', async () => {
    await expect(createCpuRuntime({ memoryBytes: 2 ** 33 })).rejects.toThrow('memoryBytes');
  });

  it('runs thousands of small jobs on more threads than cores [cpu]', async () => {
    const runtime = await createCpuRuntime({ threads: 5 });
    const [a, b] = [place(runtime, wave(70 * 8), [70, 8]), place(runtime, wave(8 * 300), [8, 300])];
    const out = room(runtime, [70, 300]);
    matmul(runtime, a, b, out);
    const first = take(runtime, out);
    for (let i = 0; i < 3000; i++) matmul(runtime, a, b, out);
    expect(take(runtime, out)).toEqual(first);
    runtime.destroy();
  });

  for (const [threads, tiles] of [
    [1, 5],
    [3, 1],
    [3, 64],
  ]) {
    it(`refuses everything after a kernel that stopped: ${threads} threads, ${tiles} tiles [cpu]`, async () => {
      const runtime = await createCpuRuntime({ threads });
      const [a, out] = [place(runtime, wave(9), [3, 3]), room(runtime, [3, 3])];
      // No kernel has this number: WebAssembly traps, on whichever thread takes the first tile.
      expect(() => runtime.launch(9999, tiles, [])).toThrow(
        /^cpu: kernel 9999 stopped(: unreachable| on a worker)\. The/,
      );
      expect(() => matmul(runtime, a, a, out)).toThrow(/^cpu: kernel 9999 stopped/);
      expect(take.bind(null, runtime, out)).toThrow(KernelError);
    });
  }

  it('works above 2 GiB, where addresses no longer fit in 31 bits [cpu]', async () => {
    const runtime = await createCpuRuntime({ threads: 2 });
    runtime.memory.allocate(2 ** 31);
    const [a, b, out] = [
      place(runtime, wave(70 * 9), [70, 9]),
      place(runtime, wave(9 * 300), [9, 300]),
      room(runtime, [70, 300]),
    ];
    expect(out.address).toBeGreaterThan(2 ** 31);
    matmul(runtime, a, b, out);
    const expected = matmulReference(wave(70 * 9), wave(9 * 300), { batch: 1, M: 70, N: 300, K: 9 }, exact);
    expectAccurate(take(runtime, out), expected, expected);
    runtime.destroy();
  });

  it('computes the same in memory that is not shared, as pages without isolation do [cpu]', async () => {
    const product = (runtime: CpuRuntime) => {
      const out = room(runtime, [9, 11]);
      matmul(runtime, place(runtime, wave(45), [9, 5]), place(runtime, wave(55), [5, 11]), out);
      return take(runtime, out);
    };
    const module = await webAssembly.compile(await moduleBytes('simd', false));
    const alone = new CpuRuntime(module, new CpuMemory(false, 2 ** 24), 1, 'simd');
    const shared = await createCpuRuntime({ threads: 2, build: 'simd' });
    expect(alone.memory.wasm.buffer).toBeInstanceOf(ArrayBuffer);
    expect(product(alone)).toEqual(product(shared));
    shared.destroy();
  });

  it('says what to do in an engine without WebAssembly, and in one that refuses the kernels [cpu]', async () => {
    // Unpacked once before: Node's own Response compiles a module when it is first used.
    await moduleBytes('simd', true);
    const { compile } = webAssembly;
    webAssembly.compile = () => Promise.reject(new Error('no SIMD'));
    const refused = await createCpuRuntime({ threads: 1 }).catch((error: unknown) => error);
    webAssembly.compile = compile;
    expect(refused).toBeInstanceOf(DeviceError);
    expect(String(refused)).toMatch(/cpu: .+ no SIMD\)\. Use Chrome/);
    vi.stubGlobal('WebAssembly', undefined);
    const missing = await createCpuRuntime({ threads: 1 }).catch((error: unknown) => error);
    vi.unstubAllGlobals();
    expect(missing).toBeInstanceOf(DeviceError);
    expect(String(missing)).toMatch(/cpu: the engine must have WebAssembly, it has none\. Allow it/);
  });
});
