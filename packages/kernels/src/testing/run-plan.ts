import { BUFFER_USAGE, MAP_MODE_READ } from '../executor/gpu-flags.ts';
import { preparePlan } from '../executor/prepare-plan.ts';
import { encodeDispatches } from '../executor/prepared-dispatches.ts';
import { KernelError } from '../plan/kernel-error.ts';
import type { KernelPlan } from '../plan/plan.ts';

/** Contents of a buffer; f16 travels as its 16 bits (`half.ts`). */
export type OperandArray = Float32Array | Uint16Array | Int32Array | Uint32Array;

/**
 * Uploads `operands`, runs the plan's passes in order, reads back every operand that some pass writes.
 * Workspace buffers start filled with 0xff bytes (NaN), so that a kernel that counts on zeros fails.
 *
 * @param operands by the names the plan binds; arrays are copied, never written
 * @returns the operands that passes bind as `read_write`, same types and lengths
 * @throws KernelError with the pass's label when a shader does not compile
 */
export async function runPlan<T extends Record<string, OperandArray>>(
  device: GPUDevice,
  plan: KernelPlan,
  operands: T,
): Promise<{ [name in keyof T]: T[name] }> {
  const buffers = new Map<string, GPUBuffer>();
  for (const [name, data] of Object.entries(operands)) buffers.set(name, upload(device, data));
  for (const [name, bytes] of Object.entries(plan.workspace)) {
    buffers.set(name, upload(device, new Uint32Array(Math.ceil(bytes / 4)).fill(0xffffffff)));
  }
  const { dispatches, uniforms } = await preparePlan(device, plan, (name) => {
    const found = buffers.get(name);
    if (!found) throw new KernelError(`runPlan: a plan must bind operands and workspace, got "${name}".`, { name });
    return found;
  });
  const encoder = device.createCommandEncoder();
  const compute = encoder.beginComputePass();
  encodeDispatches(compute, dispatches);
  compute.end();
  const written = new Set(
    plan.passes.flatMap(({ bindings }) =>
      bindings.filter(({ access }) => access === 'read_write').map(({ buffer }) => buffer),
    ),
  );
  const results: Partial<T> = {};
  const reads = [...written].filter((name) => name in operands);
  const staging = reads.map((name) => {
    const source = buffers.get(name)!;
    const target = device.createBuffer({ size: source.size, usage: BUFFER_USAGE.MAP_READ | BUFFER_USAGE.COPY_DST });
    encoder.copyBufferToBuffer(source, 0, target, 0, source.size);
    return target;
  });
  device.queue.submit([encoder.finish()]);
  for (const [index, name] of reads.entries()) {
    await staging[index]!.mapAsync(MAP_MODE_READ);
    const like = operands[name]!;
    const Kind = like.constructor as new (buffer: ArrayBuffer, offset: number, length: number) => OperandArray;
    results[name as keyof T] = new Kind(staging[index]!.getMappedRange().slice(0), 0, like.length) as T[keyof T];
  }
  for (const buffer of [...buffers.values(), ...staging]) buffer.destroy();
  uniforms?.destroy();
  return results as { [name in keyof T]: T[name] };
}

function upload(device: GPUDevice, data: OperandArray): GPUBuffer {
  const size = Math.max(4, Math.ceil(data.byteLength / 4) * 4);
  const buffer = device.createBuffer({
    size,
    usage: BUFFER_USAGE.STORAGE | BUFFER_USAGE.COPY_SRC | BUFFER_USAGE.COPY_DST,
    mappedAtCreation: true,
  });
  new Uint8Array(buffer.getMappedRange()).set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  buffer.unmap();
  return buffer;
}
