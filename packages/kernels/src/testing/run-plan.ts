import { BUFFER_USAGE, MAP_MODE_READ, SHADER_STAGE_COMPUTE } from '../plan/gpu-flags.ts';
import type { KernelPass, KernelPlan } from '../plan/plan.ts';

/** Contents of a buffer; f16 travels as its 16 bits (`half.ts`). */
export type OperandArray = Float32Array | Uint16Array | Int32Array | Uint32Array;

/**
 * Uploads `operands`, runs the plan's passes in order, reads back every operand that some pass writes.
 * Workspace buffers start filled with 0xff bytes (NaN), so that a kernel that counts on zeros fails.
 *
 * @param operands by the names the plan binds; arrays are copied, never written
 * @returns the operands that passes bind as `read_write`, same types and lengths
 * @throws Error with the pass's label on a validation error
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
  const temporary: GPUBuffer[] = [];
  const encoder = device.createCommandEncoder();
  const written = new Set<string>();
  for (const pass of plan.passes) {
    await encodePass(device, encoder, pass, buffers, temporary);
    for (const binding of pass.bindings) if (binding.access === 'read_write') written.add(binding.buffer);
  }
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
  for (const buffer of [...buffers.values(), ...temporary, ...staging]) buffer.destroy();
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

async function encodePass(
  device: GPUDevice,
  encoder: GPUCommandEncoder,
  pass: KernelPass,
  buffers: Map<string, GPUBuffer>,
  temporary: GPUBuffer[],
): Promise<void> {
  const pipeline = await compilePass(device, pass);
  const entries: GPUBindGroupEntry[] = pass.bindings.map(({ buffer, range }, binding) => {
    const found = buffers.get(buffer);
    if (!found) throw new Error(`runPlan: ${pass.label} binds "${buffer}", which is no operand and no workspace.`);
    return { binding, resource: { buffer: found, ...range } };
  });
  if (pass.uniform) {
    const uniform = device.createBuffer({
      size: Math.ceil(pass.uniform.byteLength / 16) * 16,
      usage: BUFFER_USAGE.UNIFORM | BUFFER_USAGE.COPY_DST,
    });
    device.queue.writeBuffer(uniform, 0, pass.uniform);
    temporary.push(uniform);
    entries.push({ binding: pass.bindings.length, resource: { buffer: uniform } });
  }
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  const compute = encoder.beginComputePass({ label: pass.label });
  compute.setPipeline(pipeline);
  compute.setBindGroup(0, group);
  compute.dispatchWorkgroups(...pass.workgroups);
  compute.end();
}

const pipelines = new WeakMap<GPUDevice, Map<string, GPUComputePipeline>>();

/**
 * Compiles one pass, as the backend does: bindings in order, then the uniform block.
 *
 * @throws Error with the pass's label and Tint's message
 */
export async function compilePass(device: GPUDevice, pass: KernelPass): Promise<GPUComputePipeline> {
  const entries: GPUBindGroupLayoutEntry[] = pass.bindings.map(({ access }, binding) => ({
    binding,
    visibility: SHADER_STAGE_COMPUTE,
    buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
  }));
  if (pass.uniform) {
    entries.push({
      binding: pass.bindings.length,
      visibility: SHADER_STAGE_COMPUTE,
      buffer: { type: 'uniform' },
    });
  }
  const key = `${pass.bindings.map(({ access }) => access)} ${JSON.stringify(pass.constants)} ${pass.shader}`;
  const cache = pipelines.get(device) ?? new Map<string, GPUComputePipeline>();
  pipelines.set(device, cache);
  const cached = cache.get(key);
  if (cached) return cached;
  device.pushErrorScope('validation');
  const layout = device.createPipelineLayout({ bindGroupLayouts: [device.createBindGroupLayout({ entries })] });
  const module = device.createShaderModule({ code: pass.shader, label: pass.label });
  const pipeline = device.createComputePipeline({
    label: pass.label,
    layout,
    compute: { module, entryPoint: 'main', constants: pass.constants },
  });
  const error = await device.popErrorScope();
  if (error) throw new Error(`${pass.label}: ${error.message}`);
  cache.set(key, pipeline);
  return pipeline;
}
