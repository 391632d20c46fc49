import { planMatmul } from '../src/matmul/matmul.ts';
import { describeMatmulConfig, type MatmulConfig } from '../src/matmul/matmul-config.ts';
import { elementBytes, type MatmulProblem, storedShape } from '../src/matmul/matmul-problem.ts';
import type { KernelPlan } from '../src/plan/plan.ts';
import { halfValue, toHalf } from '../src/testing/half.ts';
import { randomArray } from '../src/testing/random.ts';
import type { TestDevice } from './device.ts';
import { type Timing, timePlans } from './time-plan.ts';

/** One line of the benchmark. `gbs` counts every operand once; `offBy` is the relative error of sampled elements. */
export interface Row extends Timing {
  readonly preset: string;
  readonly config: string;
  readonly tflops: number;
  readonly gbs: number;
  readonly offBy: number;
  readonly compileMs: number;
  readonly isDefault?: boolean;
  readonly error?: string;
}

const HALVES = Float32Array.from({ length: 65536 }, (_, bits) => halfValue(bits));
const USAGE = GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;

/** Bandwidth of a vec4 copy of 512 MiB, bytes read plus bytes written, GB/s. */
export async function measureCopy({ device }: TestDevice): Promise<number> {
  const words = 2 ** 25;
  const shader = `@group(0) @binding(0) var<storage, read> source: array<vec4<u32>>;
@group(0) @binding(1) var<storage, read_write> target_: array<vec4<u32>>;
@compute @workgroup_size(256) fn main(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) count: vec3<u32>) {
  for (var i = id.x; i < ${words}u; i += count.x * 256u) { target_[i] = source[i]; }
}`;
  const buffers = {
    source: device.createBuffer({ size: words * 16, usage: USAGE }),
    target: device.createBuffer({ size: words * 16, usage: USAGE }),
  };
  const plan: KernelPlan = {
    passes: [
      {
        label: 'copy',
        shader,
        constants: {},
        bindings: [
          { buffer: 'source', access: 'read' },
          { buffer: 'target', access: 'read_write' },
        ],
        uniform: null,
        workgroups: [8192, 1, 1],
      },
    ],
    workspace: {},
  };
  const { minMs } = await timePlans(device, [plan], buffers);
  for (const buffer of Object.values(buffers)) buffer.destroy();
  return (words * 32) / minMs / 1e6;
}

/** Operands on the device and what they hold, kept between configurations of one preset. */
interface Loaded {
  readonly preset: string;
  readonly buffers: Record<'a' | 'b' | 'out', GPUBuffer>;
  readonly values: Record<'a' | 'b', Uint16Array | Float32Array>;
}
let loaded: Loaded | undefined;

/** Times one configuration of one product (no epilogue), then checks sampled elements. */
export async function measureProduct(
  gpu: TestDevice,
  preset: string,
  problem: MatmulProblem,
  config: MatmulConfig,
  copies: number,
): Promise<Row> {
  const { M, N, K, batch } = problem;
  const name = describeMatmulConfig(config);
  try {
    const { device } = gpu;
    const { buffers, values } = await load(device, preset, problem, copies);
    const size = N * K;
    const plans = Array.from({ length: copies }, (_, copy) =>
      planMatmul({ ...problem, b: { ...problem.b, offset: copy * size } }, gpu.capabilities, config),
    );
    const workspace = Object.fromEntries(
      Object.entries(plans[0]!.workspace).map(([key, bytes]) => [
        key,
        device.createBuffer({ size: bytes, usage: USAGE }),
      ]),
    );
    const start = performance.now();
    const all = { ...buffers, ...workspace };
    await timePlans(device, plans.slice(0, 1), all, 1);
    const compileMs = performance.now() - start;
    const timing = await timePlans(device, plans, all, 20);
    const bytes =
      (M * K * elementBytes(problem.a.dtype) +
        N * K * elementBytes(problem.b.dtype) +
        M * N * elementBytes(problem.out.dtype)) *
      batch;
    await timePlans(device, plans.slice(0, 1), all, 1);
    const offBy = await sampledError(device, problem, buffers.out, values);
    await gpu.check();
    for (const buffer of Object.values(workspace)) buffer.destroy();
    const flops = 2 * M * N * K * batch;
    return {
      preset,
      config: name,
      ...timing,
      tflops: flops / timing.medianMs / 1e9,
      gbs: bytes / timing.medianMs / 1e6,
      offBy,
      compileMs,
    };
  } catch (error) {
    return failedRow(preset, config, String(error));
  }
}

/** Random numbers are made once and repeated with a prime period: quick for large operands, and no two rows alike. */
const PERIOD = 1048573;

function repeated<T extends Uint16Array | Float32Array>(base: T, length: number): T {
  const values = new (base.constructor as new (length: number) => T)(length);
  for (let start = 0; start < length; start += base.length) {
    values.set(base.subarray(0, Math.min(base.length, length - start)) as T, start);
  }
  return values;
}

/** The line of a configuration that could not be measured. */
export function failedRow(preset: string, config: MatmulConfig | undefined, error: string): Row {
  const times = { medianMs: Number.NaN, minMs: Number.NaN, maxMs: Number.NaN };
  const name = config ? describeMatmulConfig(config) : 'default';
  return {
    preset,
    config: name,
    ...times,
    tflops: 0,
    gbs: 0,
    offBy: Number.NaN,
    compileMs: 0,
    error: error.slice(0, 500),
  };
}

async function load(device: GPUDevice, preset: string, problem: MatmulProblem, copies: number): Promise<Loaded> {
  if (loaded?.preset === preset) return loaded;
  if (loaded) for (const buffer of Object.values(loaded.buffers)) buffer.destroy();
  const make = (name: 'a' | 'b', repeat: number, seed: number) => {
    const [rows, columns] = storedShape(problem, name);
    const base = randomArray(Math.min(rows * columns, PERIOD), seed);
    const values = repeated(problem[name].dtype === 'f16' ? toHalf(base) : base, rows * columns);
    const size = Math.ceil((values.byteLength * repeat) / 16) * 16;
    const buffer = device.createBuffer({ size, usage: USAGE });
    const even = new Uint8Array(Math.ceil(values.byteLength / 4) * 4);
    even.set(new Uint8Array(values.buffer));
    for (let copy = 0; copy < repeat; copy++) device.queue.writeBuffer(buffer, copy * values.byteLength, even);
    return { buffer, values };
  };
  const a = make('a', 1, 1);
  const b = make('b', copies, 2);
  const bytes = Math.ceil((problem.M * problem.N * elementBytes(problem.out.dtype)) / 16) * 16;
  const out = device.createBuffer({ size: bytes, usage: USAGE });
  loaded = { preset, buffers: { a: a.buffer, b: b.buffer, out }, values: { a: a.values, b: b.values } };
  return loaded;
}

/** Norm of the error over the norm of the truth, on 7 rows x 61 columns spread over the matrix and its edges. */
async function sampledError(
  device: GPUDevice,
  { M, N, K, a, b, out }: MatmulProblem,
  buffer: GPUBuffer,
  values: Loaded['values'],
): Promise<number> {
  const staging = device.createBuffer({ size: buffer.size, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(buffer, 0, staging, 0, buffer.size);
  encoder.clearBuffer(buffer);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(GPUMapMode.READ);
  const range = staging.getMappedRange();
  const got = out.dtype === 'f16' ? new Uint16Array(range) : new Float32Array(range);
  const number = (array: Uint16Array | Float32Array, index: number) =>
    array instanceof Uint16Array ? HALVES[array[index]!]! : array[index]!;
  let wrong = 0;
  let norm = 0;
  for (let i = 0; i < 7; i++) {
    const row = Math.round((i * (M - 1)) / 6);
    for (let j = 0; j < 61; j++) {
      const column = Math.round((j * (N - 1)) / 60);
      let sum = 0;
      for (let k = 0; k < K; k++) {
        const left = number(values.a, a.transposed ? k * a.ld + row : row * a.ld + k);
        sum += left * number(values.b, b.transposed ? column * b.ld + k : k * b.ld + column);
      }
      wrong += (number(got, row * out.ld + column) - sum) ** 2;
      norm += sum ** 2;
    }
  }
  staging.destroy();
  return Math.sqrt(wrong / norm);
}
