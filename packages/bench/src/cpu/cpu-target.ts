import type { AttentionProblem } from '@modajs/kernels';
import { type ArrayView, type Backend, type CompleteBackend, ConfigError, type Device } from '@modajs/tensor';
import { attentionKernels } from '@modajs/tensor/extend';
import type { AttentionRequest, BenchSession, BenchTarget, Runnable } from '../measure/bench-target.ts';
import { deviceTraits } from '../measure/device-traits.ts';
import { CpuOperands } from './cpu-operands.ts';

type Forward = Parameters<CompleteBackend['attention']>[0];

/** Benchmarks on a tensor device that computes in f32 by its own primitives: WebAssembly, or the f64 reference. */
export function cpuTarget(device: Device): BenchTarget {
  const { backend } = device;
  return {
    traits: deviceTraits(device),
    environment: {
      device: backend.kind === 'cpu' ? 'cpu' : 'other',
      adapter: device.description,
      driver: '',
      vendor: '',
      architecture: '',
      isSoftware: false,
    },
    openSession: () => openSession(backend),
    copyBytesPerSecond: (bytes) => copyBytesPerSecond(backend, bytes),
  };
}

function openSession(backend: Backend): BenchSession {
  const memory = new CpuOperands(backend);
  const kernels = attentionKernels.on(backend);
  const runnable = (implementation: string, call: () => void): Runnable => {
    const run = async () => {
      call();
      await backend.synchronize();
    };
    return { implementation, workspaceBytes: 0, run, time: (runs) => timeByWall(run, runs) };
  };
  return {
    memory,
    async matmul({ batch, M, N, K, layout, weights }) {
      if (weights) throw needsWebGpu('product of blocks');
      const matrix = (name: string, rows: number, columns: number, transposed: boolean): ArrayView =>
        memory.view(name, [batch, rows, columns], [rows * columns, ...(transposed ? [1, rows] : [columns, 1])]);
      const a = matrix('a', M, K, layout[0] === 'T');
      const b = matrix('b', K, N, layout[1] === 'T');
      const out = matrix('out', M, N, false);
      return runnable('matmul', () => backend.matmul(a, b, out));
    },
    async attentionForward({ problem, implementation }) {
      requireShipped(implementation);
      const views = forwardViews(memory, problem);
      return runnable('attention', () => kernels.attention(views));
    },
    async attentionBackward({ problem, implementation }) {
      requireShipped(implementation);
      if (problem.defersDepth) throw needsWebGpu('deferred backward');
      const { B, T, Tk, H, Hkv, D, Dv, depth, hasSequence } = problem;
      const gradient = (name: string, length: number, heads: number, dim: number) =>
        memory.view(name, [B, length, heads, dim]);
      const views = {
        ...forwardViews(memory, problem),
        dOut: gradient('dOut', T, H, Dv),
        dLse: null,
        dq: gradient('dq', T, H, D),
        dk: hasSequence ? gradient('dk', Tk, Hkv, D) : null,
        dv: hasSequence ? gradient('dv', Tk, Hkv, Dv) : null,
        dDepth: depth && depth.S > 0 ? [depthViews(memory, problem, 'dDepth')] : null,
        accumulateDepth: false,
        accumulateKeys: false,
        depthPairs: null,
      };
      return runnable('attention backward', () => kernels.attentionBackward(views));
    },
    depthGather: () => Promise.reject(needsWebGpu('depth gather')),
    check: () => backend.synchronize(),
    close: () => memory.release(),
  };
}

function requireShipped(implementation: AttentionRequest['implementation']): void {
  if (implementation !== 'shipped') throw needsWebGpu(`${implementation} attention`);
}

function needsWebGpu(what: string): ConfigError {
  return new ConfigError(`bench: the ${what} is WGSL and needs a WebGPU device, got cpu. Use --device webgpu.`, {
    what,
  });
}

function forwardViews(memory: CpuOperands, problem: AttentionProblem): Forward {
  const { B, T, Tk, H, Hkv, D, Dv, depth, hasSequence, scale, causal } = problem;
  return {
    Tk,
    scale,
    causal,
    window: problem.window ?? null,
    softcap: problem.softcap ?? null,
    docRange: null,
    q: memory.view('q', [B, T, H, D]),
    k: hasSequence ? memory.view('k', [B, Tk, Hkv, D]) : null,
    v: hasSequence ? memory.view('v', [B, Tk, Hkv, Dv]) : null,
    depth:
      depth && depth.S > 0
        ? {
            S: depth.S,
            Td: depth.Td,
            chunk: depth.chunk,
            chunkPhase: depth.chunkPhase,
            segments: [depthViews(memory, problem, 'depth')],
          }
        : null,
    out: memory.view('out', [B, T, H, Dv]),
    lse: memory.view('lse', [B, H, T]),
  };
}

function depthViews(memory: CpuOperands, { B, Hkv, D, Dv, depth }: AttentionProblem, prefix: string) {
  const shape = (dim: number) => [depth!.segments[0]!, B, depth!.Td, Hkv, dim];
  return { k: memory.view(`${prefix}K0`, shape(D)), v: memory.view(`${prefix}V0`, shape(Dv)) };
}

async function timeByWall(run: () => Promise<void>, runs: number) {
  await run();
  const timesMs: number[] = [];
  for (let n = 0; n < runs; n++) {
    const startedAt = performance.now();
    await run();
    timesMs.push(performance.now() - startedAt);
  }
  return { timesMs, timedBy: 'wall' as const };
}

async function copyBytesPerSecond(backend: Backend, bytes: number): Promise<number> {
  const memory = new CpuOperands(backend);
  const count = Math.floor(bytes / 4);
  memory.allocate('source', count, 'f32');
  memory.allocate('target', count, 'f32');
  const [source, target] = [memory.view('source', [count]), memory.view('target', [count])];
  const run = async () => {
    backend.copy(source, target);
    await backend.synchronize();
  };
  const { timesMs } = await timeByWall(run, 10);
  memory.release();
  return (count * 8 * 1000) / Math.min(...timesMs);
}
