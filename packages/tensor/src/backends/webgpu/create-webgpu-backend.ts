import {
  type DeviceCapabilities,
  f16Fragments,
  type MatmulPlanner,
  matmulPlanner,
  supportsDType,
  type TuningTables,
  tuningKey,
} from '@modajs/kernels';
import { capabilitiesOf } from '@modajs/kernels/executor';
import { elementBytes } from '../../core/dtype.ts';
import { DTypeError } from '../../core/errors.ts';
import type { Backend } from '../backend.ts';
import { loadFamilies } from '../families.ts';
import { BufferPool } from './buffer-pool.ts';
import { captureCommands } from './captured-commands.ts';
import { CommandRecorder } from './command-recorder.ts';
import { countResidentWorkgroups } from './count-resident-workgroups.ts';
import { createWebGpuKernels } from './create-webgpu-kernels.ts';
import type { DeviceFeatures } from './device-features.ts';
import { Failures } from './failures.ts';
import { contiguousStrides } from './operations/contiguous.ts';
import { customOperation } from './operations/custom-operation.ts';
import { elementwiseOperations } from './operations/elementwise-operations.ts';
import { matmulOperations } from './operations/matmul-operations.ts';
import { randomOperations } from './operations/random-operations.ts';
import { PlanRunner } from './plan-runner.ts';
import { Profiler } from './profiler.ts';
import { RecordedSequence } from './recorded-sequence.ts';
import { type OpenDevice, requestDevice } from './request-device.ts';
import { deviceBytes, Transfers } from './transfers.ts';
import { UniformRing } from './uniform-ring.ts';
import type { WebGpuParts } from './webgpu-kernels.ts';
import { WebGpuStorage, webGpuStorage } from './webgpu-storage.ts';
import { loadForWebGpu } from './with-webgpu.ts';

export interface WebGpuOptions {
  /** WebGPU entry point; `navigator.gpu` or npm `webgpu` by default. */
  readonly gpu?: GPU;
  /** Accept an adapter that runs on the processor; true by default. */
  readonly allowSoftware?: boolean;
  /** Time every kernel; slower, for each gets a pass of its own. Ignored without timestamps. */
  readonly profile?: boolean;
  /** Measured kernel configurations by `tuningKey`; those of this adapter and driver are used. */
  readonly tuning?: TuningTables;
  /** Bytes of device memory to stay below. */
  readonly memoryLimitBytes?: number;
  /** Workgroups that run at once and may wait for each other; counted on NVIDIA GPUs, 0 elsewhere by default. */
  readonly residentWorkgroups?: number;
  /** Of these, what is false is left off although the adapter has it. */
  readonly features?: DeviceFeatures;
  /** Bounds checks in kernels, which browsers always have; off in Node by default. */
  readonly robustness?: boolean;
}

/** The device contract on WebGPU, with what only it has. */
export interface WebGpuBackend extends Backend, WebGpuParts {
  readonly kind: 'webgpu';
  readonly device: GPUDevice;
}

type MemoryOperations = Pick<Backend, 'allocate' | 'release' | 'upload' | 'download' | 'downloadAll' | 'hostValues'>;

function memoryOperations(runner: PlanRunner, transfers: Transfers, copy: Backend['copy']): MemoryOperations {
  const { pool, capabilities, failures } = runner;
  const allocate: Backend['allocate'] = (length, dtype) => {
    if (!supportsDType(capabilities, dtype)) {
      throw new DTypeError(`webgpu: ${dtype} must be a dtype that shaders on this device can store. Use f32.`, {
        dtype,
      });
    }
    const bytes = length * elementBytes(dtype);
    return new WebGpuStorage(pool.acquire(bytes, `${dtype}[${length}]`), length, dtype, bytes);
  };
  const release: Backend['release'] = (storage) => {
    const buffer = webGpuStorage(storage).takeBuffer();
    if (buffer) pool.release(buffer);
  };
  return {
    allocate,
    release,
    upload(storage, offset, data) {
      const { dtype } = storage;
      const bytes = deviceBytes(data, dtype);
      const start = offset * elementBytes(dtype);
      if (start % 4 === 0 && bytes.byteLength % 4 === 0)
        return transfers.write(webGpuStorage(storage).buffer, start, bytes);
      // An odd number of halves: whole words go to scratch memory, a kernel moves the halves.
      const scratch = webGpuStorage(allocate(data.length + 1, dtype));
      const padded = new Uint8Array(Math.ceil(bytes.byteLength / 4) * 4);
      padded.set(bytes);
      transfers.write(scratch.buffer, 0, padded);
      const shape = [data.length];
      const strides = contiguousStrides(shape);
      copy({ storage: scratch, dtype, shape, strides, offset: 0 }, { storage, dtype, shape, strides, offset });
      release(scratch);
    },
    async download(storage, offset, length) {
      const { buffer, dtype } = webGpuStorage(storage);
      const data = await transfers.read(buffer, dtype, offset, length).catch((error: unknown) => {
        failures.raise();
        throw error;
      });
      failures.raise();
      return data;
    },
    hostValues: () => null,
    async downloadAll(parts) {
      const reads = parts.map(({ storage, offset, into }) => {
        const { buffer, dtype } = webGpuStorage(storage);
        if (dtype !== (into instanceof Uint32Array ? 'u32' : 'f32')) {
          throw new DTypeError(
            `webgpu: parts to download must be f32, or u32 into a Uint32Array, got ${dtype}. Download it alone.`,
            { dtype },
          );
        }
        return { buffer, offset, into };
      });
      await transfers.readAll(reads).catch((error: unknown) => {
        failures.raise();
        throw error;
      });
      failures.raise();
    },
  };
}

/** Elements that one binding holds even in f32, in steps that `sizeClass` does not round up beyond it. */
function packLengthOf(maxBindingBytes: number): number {
  const step = 2 ** 25;
  return Math.max(1, Math.floor(maxBindingBytes / 4 / step)) * step;
}

function assemble(
  { device, entry, description }: OpenDevice,
  capabilities: DeviceCapabilities,
  options: WebGpuOptions,
  loaded: Awaited<ReturnType<typeof loadFamilies>>,
  planMatmul: MatmulPlanner,
): WebGpuBackend {
  const profiler = options.profile && capabilities.timestamps ? new Profiler(device) : null;
  const uniforms = new UniformRing(device);
  const recorder = new CommandRecorder(device, uniforms, profiler);
  const pool: BufferPool = new BufferPool({
    device,
    maxBufferBytes: capabilities.maxBufferBytes,
    memoryLimitBytes: options.memoryLimitBytes,
    onDestroy: () => runner.forgetBuffers(),
  });
  const failures = new Failures(device, () => pool.memory().liveBytes);
  const runner = new PlanRunner(capabilities, pool, recorder, failures);
  const elementwise = elementwiseOperations(runner);
  const transfers = new Transfers(recorder);
  const families = loaded.map((make) => make(runner as never, elementwise));
  return {
    kind: 'webgpu',
    description,
    supports: (dtype) => supportsDType(capabilities, dtype),
    chunkBytes: Math.min(2 ** 28, capabilities.maxBindingBytes / 2),
    packLength: packLengthOf(capabilities.maxBindingBytes),
    // 16 bytes of f16.
    rowAlignment: 8,
    canReplay: true,
    device,
    capabilities,
    kernels: createWebGpuKernels(runner, elementwise, (calls) => new RecordedSequence(runner, calls)),
    ...memoryOperations(runner, transfers, elementwise.copy),
    capture: (body) => captureCommands({ recorder, pool, transfers }, body),
    async synchronize() {
      recorder.flush();
      await device.queue.onSubmittedWorkDone();
      failures.raise();
    },
    endStep() {
      recorder.flush();
      pool.endStep();
    },
    memory: () => pool.memory(),
    async profile() {
      recorder.flush();
      return profiler === null ? [] : profiler.spans();
    },
    destroy() {
      failures.expectLoss();
      device.destroy();
      entry.release();
    },
    ...elementwise,
    ...randomOperations(runner),
    ...matmulOperations(runner, planMatmul),
    ...customOperation(runner),
    ...Object.assign({}, ...families),
    fused: Object.assign({}, ...families.map(({ fused }) => fused)),
  };
}

/** The planner of products, with the variant on subgroup matrices where the device has them: most browsers never load its shader. */
async function productsFor(capabilities: DeviceCapabilities): Promise<MatmulPlanner> {
  if (f16Fragments(capabilities).length === 0) return matmulPlanner(null);
  const { planSubgroupMatrix } = await import('@modajs/kernels/matrix-products');
  return matmulPlanner(planSubgroupMatrix);
}

/**
 * Opens WebGPU and puts the device contract on it: a pool of buffers, commands batched into few submissions,
 * pipelines and bind groups cached, failures raised where the caller waits.
 *
 * @throws DeviceError when there is no adapter, or only a software one and `allowSoftware` is false
 */
export async function createWebGpuBackend(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  const { gpu, allowSoftware = true, features, robustness } = options;
  const families = await loadFamilies();
  const opened = await requestDevice({ gpu, allowSoftware, features, robustness });
  await loadForWebGpu();
  const { device, info } = opened;
  const capabilities = { ...capabilitiesOf(device, info), tuning: options.tuning?.[tuningKey(info)] };
  const residentWorkgroups = options.residentWorkgroups ?? (await countResidentWorkgroups(device, capabilities));
  return assemble(opened, { ...capabilities, residentWorkgroups }, options, families, await productsFor(capabilities));
}
