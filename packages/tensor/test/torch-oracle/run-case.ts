import { asParameter, backward } from '../../src/core/autograd.ts';
import type { Device } from '../../src/core/device.ts';
import { sizeOf } from '../../src/core/shape.ts';
import type { Tensor } from '../../src/core/tensor.ts';
import { add, broadcastTo, mul, slice, sum, tensor, transpose, zeros } from '../../src/index.ts';
import type { CaseInput, OracleCase, ViewStep } from './cases.ts';
import { operators } from './operators.ts';
import { valuesOf } from './values.ts';

const KINDS = { f32: Float32Array, i32: Int32Array, u32: Uint32Array } as const;

/** The memory behind an input. */
function memoryOf([shape, profile, seed, dtype, , wantsGradient, patches]: CaseInput, device: Device): Tensor {
  const values = valuesOf(profile, seed, sizeOf(shape));
  for (const [start, end, value] of patches) values.fill(value === 'nan' ? NaN : Infinity, start, end);
  const memory = tensor(KINDS[dtype].from(values), { shape, dtype, device });
  return wantsGradient ? asParameter(memory) : memory;
}

function seen(memory: Tensor, views: readonly ViewStep[]): Tensor {
  return views.reduce((x, view) => {
    if (view[0] === 'T') return transpose(x, view[1]);
    return view[0] === 'S' ? slice(x, view[1], view[2]) : broadcastTo(x, view[1]);
  }, memory);
}

function weightsOf(output: number, { shape, size, device }: Tensor): Tensor {
  return tensor(Float32Array.from(valuesOf('n', 7000 + output, size)), { shape, device });
}

/** Random gradients flow into every output that takes part: into a single one directly, into several through a sum. */
function runBackward(outputs: readonly Tensor[], unused: readonly number[]): void {
  const used = outputs.flatMap((output, n) => (unused.includes(n) || !output.requiresGrad ? [] : [{ output, n }]));
  const [first] = used;
  if (!first) return;
  if (outputs.length === 1) backward(first.output, weightsOf(0, first.output));
  else backward(used.map(({ output, n }) => sum(mul(output, weightsOf(n, output)))).reduce((a, b) => add(a, b)));
}

/** Outputs of a case, then the gradients of its inputs' memory; inside the caller's scope. */
export function runCase({ o, p, i }: OracleCase, device: Device): Tensor[] {
  const memories = i.map((input) => memoryOf(input, device));
  const result = operators[o](p, ...memories.map((memory, n) => seen(memory, i[n][4])));
  const outputs = 'isTensor' in result ? [result] : [...result];
  runBackward(outputs, p['unused'] ?? []);
  const parameters = memories.filter((memory) => memory.requiresGrad);
  return [...outputs, ...parameters.map(({ grad, shape }) => grad ?? zeros(shape, { device }))];
}

/** Everything a batch of cases made, read back in one go a dtype: pieces of one tensor. */
export async function readTogether(tensors: readonly Tensor[], device: Device): Promise<ArrayLike<number>[]> {
  const results: ArrayLike<number>[] = new Array(tensors.length);
  for (const dtype of ['f32', 'i32', 'u32'] as const) {
    const own = tensors.map((_, n) => n).filter((n) => tensors[n].dtype === dtype);
    const total = own.reduce((length, n) => length + tensors[n].size, 0);
    const all = zeros([total], { dtype, device });
    let start = 0;
    for (const n of own) {
      const { view, size, shape } = tensors[n];
      const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
      if (size > 0) device.backend.copy(view, { ...all.view, shape, strides, offset: start });
      start += size;
    }
    const values = await all.data();
    start = 0;
    for (const n of own) {
      results[n] = values.subarray(start, start + tensors[n].size);
      start += tensors[n].size;
    }
    all.dispose();
  }
  return results;
}
