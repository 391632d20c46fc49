import {
  BLOCK_NUMBERS,
  type BlockFormat,
  blockWords,
  type DeviceCapabilities,
  describeMatmulConfig,
  type KernelPlan,
  planAttentionBackward,
  planAttentionForward,
  planDepthGather,
  planMatmul,
  planQuantizedProduct,
} from '@modajs/kernels';
import type { PreparedDispatches } from '@modajs/kernels/executor';
import type { Device } from '@modajs/tensor';
import { ablationPlan } from '../ablation/ablation-plan.ts';
import type { MatmulJob } from '../job.ts';
import type { AttentionRequest, BenchSession, BenchTarget, Runnable } from '../measure/bench-target.ts';
import { deviceTraits } from '../measure/device-traits.ts';
import { matmulProblem, variantConfig } from '../measure/matmul-problem.ts';
import copyShader from './copy.wgsl';
import { GpuMemory } from './gpu-memory.ts';
import { runnableAttentionTuning, runnableMatmulTuning } from './runnable-tuning.ts';
import { timePlans, wallTime } from './time-plan.ts';
import type { WebGpuDevice } from './webgpu-backend.ts';

/** Benchmarks on a tensor device's WebGPU adapter, with kernels planned by `@modajs/kernels`. */
export function webGpuTarget(device: Device, backend: WebGpuDevice): BenchTarget {
  const { device: gpu, capabilities } = backend;
  const traits = deviceTraits(device);
  const { vendor, architecture } = capabilities;
  const info = gpu.adapterInfo as GPUAdapterInfo | undefined;
  const adapter = info?.device || device.description;
  const driver = info?.description ?? '';
  return {
    traits,
    environment: { device: 'webgpu', adapter, driver, vendor, architecture, isSoftware: traits.isSoftware },
    openSession: () => openSession(backend),
    copyBytesPerSecond: (bytes) => copyBytesPerSecond(gpu, bytes),
  };
}

function openSession(backend: WebGpuDevice): BenchSession {
  const { device, capabilities } = backend;
  const memory = new GpuMemory(device);
  const prepared: PreparedDispatches[] = [];
  const prepare = async (plans: readonly KernelPlan[], implementation: string, isTuned: boolean): Promise<Runnable> => {
    const made: PreparedDispatches[] = [];
    for (const plan of plans) made.push(await memory.prepare(plan));
    prepared.push(...made);
    return {
      implementation,
      isTuned,
      workspaceBytes: Object.values(plans[0]?.workspace ?? {}).reduce((sum, bytes) => sum + bytes, 0),
      run: async () => void (await wallTime(device, made.slice(0, 1), 1)),
      time: (runs) => timePlans(device, made, runs),
    };
  };
  const attention = (direction: 'forward' | 'backward', { problem, implementation, config }: AttentionRequest) => {
    const shipped = direction === 'forward' ? planAttentionForward : planAttentionBackward;
    const isOwnChoice = implementation === 'shipped' && config === undefined;
    const tuned = isOwnChoice ? runnableAttentionTuning(problem, capabilities, shipped) : undefined;
    const plan =
      implementation === 'shipped'
        ? shipped(problem, capabilities, config ?? tuned)
        : ablationPlan(implementation, direction, problem, capabilities);
    return prepare([plan], [...new Set(plan.passes.map(({ label }) => label))].join(', '), tuned !== undefined);
  };
  return {
    memory,
    matmul(job) {
      if (job.weights)
        return prepare(quantizedPlans(job, job.weights, capabilities), `quantized-product ${job.weights}`, false);
      const problem = matmulProblem(job);
      const isOwnChoice = job.variant === 'default' && job.config === undefined;
      const tuned = isOwnChoice ? runnableMatmulTuning(problem, capabilities) : undefined;
      const config = job.config ?? tuned ?? variantConfig(job.variant, problem, capabilities);
      // Copies of B lie one after another: one workspace serves all plans, for they run in order.
      const plans = Array.from({ length: job.copies }, (_, copy) => {
        const b = { ...problem.b, offset: copy * job.batch * job.N * job.K };
        return planMatmul({ ...problem, b }, capabilities, config);
      });
      return prepare(plans, describeMatmulConfig(config), tuned !== undefined);
    },
    attentionForward: (request) => attention('forward', request),
    attentionBackward: (request) => attention('backward', request),
    depthGather({ B, T, H, Hkv, D, Dv, dtype }, readers) {
      const shape = { B, T, H, Hkv, D, Dv, dtype, slots: 2, accumulate: false } as const;
      return prepare([planDepthGather({ ...shape, readers }, capabilities)], 'depth-gather', false);
    },
    check: () => backend.synchronize(),
    close() {
      for (const { uniforms } of prepared) uniforms?.destroy();
      memory.release();
    },
  };
}

/** One plan for each copy of the blocks. */
function quantizedPlans(
  { M, N, K, dtype, copies }: MatmulJob,
  format: BlockFormat,
  caps: DeviceCapabilities,
): KernelPlan[] {
  const { codes } = blockWords(format, N * K);
  return Array.from({ length: copies }, (_, copy) => {
    const offsets = { x: 0, codes: copy * codes, scales: (copy * N * K) / BLOCK_NUMBERS, out: 0 };
    return planQuantizedProduct({ format, dtype, M, O: N, I: K, offsets }, caps);
  });
}

async function copyBytesPerSecond(device: GPUDevice, bytes: number): Promise<number> {
  const memory = new GpuMemory(device);
  const vectors = Math.floor(bytes / 16);
  memory.allocate('source', vectors * 4, 'f32');
  memory.allocate('target', vectors * 4, 'f32');
  const plan: KernelPlan = {
    passes: [
      {
        label: 'copy',
        shader: copyShader,
        constants: {},
        bindings: [
          { buffer: 'source', access: 'read' },
          { buffer: 'target', access: 'read_write' },
        ],
        uniform: new Uint32Array([vectors, 0, 0, 0]).buffer,
        workgroups: [Math.min(8192, Math.ceil(vectors / 256)), 1, 1],
      },
    ],
    workspace: {},
  };
  const prepared = await memory.prepare(plan);
  const { timesMs } = await timePlans(device, [prepared], 10);
  prepared.uniforms?.destroy();
  memory.release();
  return (vectors * 32 * 1000) / Math.min(...timesMs);
}
