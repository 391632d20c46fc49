import {
  BASELINE_CAPABILITIES,
  DTYPES,
  dtypeEntry,
  elementBytes,
  foldWorkgroups,
  type KernelPass,
  type KernelPlan,
} from '@modajs/kernels';
import {
  BUFFER_USAGE,
  encodeDispatches,
  MAP_MODE_READ,
  type PreparedDispatches,
  preparePlan,
} from '@modajs/kernels/executor';
import { DeviceError } from '@modajs/tensor';
import type { OperandMemory } from '../measure/operand-memory.ts';
import randomFill from './random-fill.wgsl';

const WORDS_AT_ONCE = 2 ** 24;

/** Operands and scratch memory by name in buffers of their own, of any size, filled on the device. */
export class GpuMemory implements OperandMemory {
  readonly #buffers = new Map<string, { gpu: GPUBuffer; dtype: 'f32' | 'f16' }>();

  constructor(readonly device: GPUDevice) {}

  allocate(name: string, count: number, dtype: 'f32' | 'f16'): void {
    this.#buffers.get(name)?.gpu.destroy();
    const size = Math.max(16, Math.ceil((count * elementBytes(dtype)) / 16) * 16);
    const usage = BUFFER_USAGE.STORAGE | BUFFER_USAGE.COPY_SRC | BUFFER_USAGE.COPY_DST;
    this.#buffers.set(name, { gpu: this.device.createBuffer({ label: name, size, usage }), dtype });
  }

  /** Scratch memory: what is there is kept when it is large enough, for plans that run one after another share it. */
  reserve(name: string, bytes: number): void {
    const held = this.#buffers.get(name)?.gpu.size ?? 0;
    if (held < bytes) this.allocate(name, Math.ceil(bytes / 4), 'f32');
  }

  buffer(name: string): GPUBuffer {
    const found = this.#buffers.get(name);
    if (!found) throw new DeviceError(`bench: a pass binds "${name}", which must be allocated first.`, { name });
    return found.gpu;
  }

  /** Compiles and binds a plan; its operands must be here, its workspace is put here. @throws KernelError when a shader does not compile */
  prepare(plan: KernelPlan): Promise<PreparedDispatches> {
    for (const [name, bytes] of Object.entries(plan.workspace)) this.reserve(name, bytes);
    return preparePlan(this.device, plan, (name) => this.buffer(name));
  }

  async fill(name: string, count: number, dtype: 'f32' | 'f16', seed: number): Promise<void> {
    this.allocate(name, count, dtype);
    const words = Math.ceil((count * elementBytes(dtype)) / 4);
    for (let first = 0; first < words; first += WORDS_AT_ONCE) {
      const size = Math.min(WORDS_AT_ONCE, words - first);
      const plan = { passes: [fillPass(name, first, size, dtype, seed)], workspace: {} };
      const { dispatches, uniforms } = await this.prepare(plan);
      const encoder = this.device.createCommandEncoder();
      const pass = encoder.beginComputePass();
      encodeDispatches(pass, dispatches);
      pass.end();
      this.device.queue.submit([encoder.finish()]);
      uniforms?.destroy();
    }
  }

  async read(name: string, first: number, count: number): Promise<Float64Array> {
    const { gpu, dtype } = this.#buffers.get(name) ?? { gpu: this.buffer(name), dtype: 'f32' as const };
    const size = elementBytes(dtype);
    const start = Math.floor((first * size) / 4) * 4;
    const bytes = Math.ceil(((first + count) * size - start) / 4) * 4;
    const usage = BUFFER_USAGE.MAP_READ | BUFFER_USAGE.COPY_DST;
    const target = this.device.createBuffer({ size: bytes, usage });
    const encoder = this.device.createCommandEncoder();
    encoder.copyBufferToBuffer(gpu, start, target, 0, bytes);
    this.device.queue.submit([encoder.finish()]);
    await target.mapAsync(MAP_MODE_READ);
    const data = target.getMappedRange().slice(0);
    target.destroy();
    const skip = first - start / size;
    const { StoredArray, decode } = dtypeEntry(dtype);
    const numbers = Float64Array.from<number>(new StoredArray(data), decode ?? Number);
    return numbers.subarray(skip, skip + count);
  }

  release(): void {
    for (const { gpu } of this.#buffers.values()) gpu.destroy();
    this.#buffers.clear();
  }
}

function fillPass(name: string, first: number, size: number, dtype: 'f32' | 'f16', seed: number): KernelPass {
  const uniform = new ArrayBuffer(32);
  new Uint32Array(uniform).set([size, seed, Number(DTYPES[dtype].isHalf)]);
  new Float32Array(uniform)[3] = 1;
  new Uint32Array(uniform)[4] = first;
  return {
    label: 'random-fill',
    shader: randomFill,
    constants: {},
    bindings: [{ buffer: name, access: 'read_write', range: { offset: first * 4, size: size * 4 } }],
    uniform,
    workgroups: foldWorkgroups(Math.ceil(size / 256), BASELINE_CAPABILITIES),
  };
}
