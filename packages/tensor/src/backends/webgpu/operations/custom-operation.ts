import { type DeviceCapabilities, KernelError, type KernelPass, type UniformWord, uniformBlock } from '@modajs/kernels';
import { elementBytes } from '../../../core/dtype.ts';
import { sizeOf } from '../../../core/shape.ts';
import type { ArrayView, Backend } from '../../backend.ts';
import type { ShaderKernel } from '../../custom-kernel-call.ts';
import { CUSTOM_LABEL } from '../failures.ts';
import type { Operand, PlanRunner } from '../plan-runner.ts';
import { withContiguous } from './contiguous.ts';

/** Kernels of the user's: what `PlanRunner` caches, captures and replays, as every other pass. */
export function customOperation(runner: PlanRunner): Pick<Backend, 'custom'> {
  return {
    custom({ name, inputNames, inputs, outputs, shader }) {
      const kernel = shader!();
      checkKernel(name, kernel, inputs.length + outputs.length, runner.capabilities);
      withAligned(runner, inputs, (aligned) => {
        const operands = [...aligned, ...outputs].map((view) => runner.operand(view));
        const names = operands.map((_, i) => inputNames[i] ?? `output ${i - inputs.length}`);
        const pass = passOf(name, kernel, operands, names, inputs.length);
        runner.run({ passes: [pass], workspace: {} }, Object.fromEntries(operands.map((it, i) => [names[i], it])));
      });
    },
  };
}

function passOf(
  name: string,
  kernel: ShaderKernel,
  operands: readonly Operand[],
  names: readonly string[],
  inputs: number,
): KernelPass {
  return {
    label: `${CUSTOM_LABEL}${name}`,
    shader: kernel.shader,
    constants: kernel.constants ?? {},
    bindings: operands.map((operand, i) => ({
      buffer: names[i],
      access: i < inputs ? 'read' : 'read_write',
      range: rangeOf(operand),
    })),
    uniform: kernel.uniform === undefined ? null : uniformBlock(kernel.uniform),
    workgroups: kernel.workgroups,
  };
}

/** Just the view, in whole words; one word for an empty one, which may start at its buffer's end. */
function rangeOf({ view, start }: Operand): { readonly offset: number; readonly size: number } {
  const size = sizeOf(view.shape);
  const bytes = elementBytes(view.dtype);
  return size === 0 ? { offset: 0, size: 4 } : { offset: start * bytes, size: Math.ceil((size * bytes) / 4) * 4 };
}

/** Runs `use` on views that a binding can start at: copies of those that it cannot. */
function withAligned(
  runner: PlanRunner,
  views: readonly ArrayView[],
  use: (aligned: readonly ArrayView[]) => void,
  at = 0,
): void {
  if (at === views.length) {
    use(views);
    return;
  }
  const next = (view: ArrayView): void => withAligned(runner, views.with(at, view), use, at + 1);
  const view = views[at];
  const start = runner.operand(view).start * elementBytes(view.dtype);
  if (start % runner.capabilities.minStorageAlignment === 0 || sizeOf(view.shape) === 0) next(view);
  else withContiguous(runner, view, next);
}

/** @throws KernelError unless each word holds its number: a fraction would be cut off in silence */
function checkUniform(name: string, words: readonly UniformWord[]): void {
  const isWhole = (value: unknown, least: number): boolean =>
    Number.isInteger(value) && (value as number) >= least && (value as number) < least + 2 ** 32;
  words.forEach((word: Partial<{ f32: number; i32: number }> | number, i) => {
    const holds =
      typeof word === 'number' ? isWhole(word, 0) : isWhole(word?.i32, -(2 ** 31)) || typeof word?.f32 === 'number';
    if (holds) return;
    throw new KernelError(
      `${name}: uniform[${i}] must be a whole number in 0..2^32-1, { i32 } or { f32 }, got ${JSON.stringify(word)}.`,
      { name, word },
    );
  });
}

/** @throws KernelError for what the device cannot dispatch */
function checkKernel(
  name: string,
  { shader, workgroups, uniform = [] }: ShaderKernel,
  count: number,
  caps: DeviceCapabilities,
): void {
  if (typeof shader !== 'string' || shader === '') {
    throw new KernelError(`${name}: the shader must be WGSL text, got ${typeof shader}.`, { name });
  }
  checkUniform(name, uniform);
  const most = caps.maxWorkgroupsPerDimension;
  const isCount = (value: unknown): boolean =>
    Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most;
  if (!Array.isArray(workgroups) || workgroups.length !== 3 || !workgroups.every(isCount)) {
    throw new KernelError(
      `${name}: workgroups must be three whole numbers in 1..${most}, got [${workgroups}]. Spread large counts over x and y.`,
      { name, workgroups },
    );
  }
  if (count > caps.maxStorageBuffers) {
    throw new KernelError(
      `${name}: inputs and outputs must be at most ${caps.maxStorageBuffers} on this device, got ${count}. Concatenate some of them.`,
      { name, count },
    );
  }
}
