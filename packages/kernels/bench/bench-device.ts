import type { KernelPass, KernelPlan } from '../src/plan/plan.ts';
import { compilePass } from '../src/testing/run-plan.ts';
import randomFill from './random-fill.wgsl';

/** Storage buffers by operand name, of any size, filled on the device. */
export class BenchBuffers {
  private readonly buffers = new Map<string, GPUBuffer>();
  constructor(readonly device: GPUDevice) {}

  /** A buffer of `bytes`, zero-filled. */
  allocate(name: string, bytes: number): GPUBuffer {
    const usage = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;
    const buffer = this.device.createBuffer({ size: Math.max(16, Math.ceil(bytes / 4) * 4), usage });
    this.buffers.set(name, buffer);
    return buffer;
  }

  get(name: string): GPUBuffer {
    const buffer = this.buffers.get(name);
    if (!buffer) throw new Error(`bench: a pass binds "${name}", which was not allocated.`);
    return buffer;
  }

  /** Allocates and fills with `randomValue(index, seed, amplitude)`; buffers above 1 GiB repeat every 2^28 words. */
  async fill(name: string, count: number, dtype: 'f32' | 'f16', seed: number, amplitude = 1): Promise<void> {
    const words = Math.ceil((count * (dtype === 'f16' ? 2 : 4)) / 4);
    this.allocate(name, words * 4);
    for (let first = 0; first < words; first += 2 ** 28) {
      const size = Math.min(2 ** 28, words - first);
      const uniform = new ArrayBuffer(16);
      new Uint32Array(uniform).set([size, seed, Number(dtype === 'f16')]);
      new Float32Array(uniform)[3] = amplitude;
      const groups = Math.ceil(size / 256);
      const rows = Math.ceil(groups / 65535);
      const pass: KernelPass = {
        label: 'random-fill',
        shader: randomFill,
        constants: {},
        bindings: [{ buffer: name, access: 'read_write', range: { offset: first * 4, size: size * 4 } }],
        uniform,
        workgroups: [Math.ceil(groups / rows), rows, 1],
      };
      const encoder = this.device.createCommandEncoder();
      (await prepare(this, { passes: [pass], workspace: {} })).encode(encoder);
      this.device.queue.submit([encoder.finish()]);
    }
  }

  async read(name: string, offsetBytes: number, bytes: number): Promise<ArrayBuffer> {
    const target = this.device.createBuffer({ size: bytes, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
    const encoder = this.device.createCommandEncoder();
    encoder.copyBufferToBuffer(this.get(name), offsetBytes, target, 0, bytes);
    this.device.queue.submit([encoder.finish()]);
    await target.mapAsync(GPUMapMode.READ);
    const copy = target.getMappedRange().slice(0);
    target.destroy();
    return copy;
  }
}

/** A plan with its pipelines and bind groups made once. */
export interface PreparedPlan {
  readonly labels: readonly string[];
  /** Records every pass; with a query set, a pair of timestamps each from `firstQuery` on. */
  encode(encoder: GPUCommandEncoder, querySet?: GPUQuerySet, firstQuery?: number): void;
}

export async function prepare(buffers: BenchBuffers, plan: KernelPlan): Promise<PreparedPlan> {
  const { device } = buffers;
  for (const [name, bytes] of Object.entries(plan.workspace)) buffers.allocate(name, bytes);
  const steps: { pass: KernelPass; pipeline: GPUComputePipeline; group: GPUBindGroup }[] = [];
  for (const pass of plan.passes) {
    const pipeline = await compilePass(device, pass);
    const entries: GPUBindGroupEntry[] = pass.bindings.map(({ buffer, range }, binding) => ({
      binding,
      resource: { buffer: buffers.get(buffer), ...range },
    }));
    if (pass.uniform) {
      const usage = GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST;
      const uniform = device.createBuffer({ size: Math.ceil(pass.uniform.byteLength / 16) * 16, usage });
      device.queue.writeBuffer(uniform, 0, pass.uniform);
      entries.push({ binding: pass.bindings.length, resource: { buffer: uniform } });
    }
    steps.push({ pass, pipeline, group: device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }) });
  }
  return {
    labels: steps.map(({ pass }) => pass.label),
    encode(encoder, querySet, firstQuery = 0) {
      for (const [index, { pass, pipeline, group }] of steps.entries()) {
        const timestampWrites = querySet && {
          querySet,
          beginningOfPassWriteIndex: firstQuery + index * 2,
          endOfPassWriteIndex: firstQuery + index * 2 + 1,
        };
        const compute = encoder.beginComputePass(timestampWrites ? { timestampWrites } : {});
        compute.setPipeline(pipeline);
        compute.setBindGroup(0, group);
        compute.dispatchWorkgroups(...pass.workgroups);
        compute.end();
      }
    },
  };
}

/** Milliseconds of one run: from the first pass's begin to the last one's end, and of each pass. */
export interface Timing {
  readonly totalMs: number[];
  readonly passMs: Record<string, number>;
}

/** Runs a plan `runs` times after one warm-up, each timed by the device's timestamps. Pass times are medians. */
export async function timePlan(buffers: BenchBuffers, plan: PreparedPlan, runs: number): Promise<Timing> {
  const { device } = buffers;
  const count = plan.labels.length * 2;
  const querySet = device.createQuerySet({ type: 'timestamp', count });
  const resolve = device.createBuffer({
    size: count * 8,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  const staging = device.createBuffer({ size: count * 8, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const totalMs: number[] = [];
  const passes: number[][] = plan.labels.map(() => []);
  for (let run = -1; run < runs; run++) {
    const encoder = device.createCommandEncoder();
    plan.encode(encoder, querySet);
    encoder.resolveQuerySet(querySet, 0, count, resolve, 0);
    encoder.copyBufferToBuffer(resolve, 0, staging, 0, count * 8);
    device.queue.submit([encoder.finish()]);
    await staging.mapAsync(GPUMapMode.READ);
    const times = new BigUint64Array(staging.getMappedRange().slice(0));
    staging.unmap();
    if (run < 0) continue;
    totalMs.push(Number(times[count - 1]! - times[0]!) / 1e6);
    for (const [index, list] of passes.entries()) list.push(Number(times[index * 2 + 1]! - times[index * 2]!) / 1e6);
  }
  querySet.destroy();
  resolve.destroy();
  staging.destroy();
  const passMs = Object.fromEntries(plan.labels.map((label, index) => [`${index} ${label}`, median(passes[index]!)]));
  return { totalMs, passMs };
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
