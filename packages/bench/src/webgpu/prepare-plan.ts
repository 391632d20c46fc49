import { BUFFER_USAGE, KernelError, type KernelPass, type KernelPlan, SHADER_STAGE_COMPUTE } from '@modajs/kernels';
import type { GpuMemory } from './gpu-memory.ts';

/** A plan with its pipelines, bind groups and scratch memory made once. */
export interface PreparedPlan {
  readonly labels: readonly string[];
  /** Records all passes, or the one of that index, and returns the encoder. */
  encode(pass: GPUComputePassEncoder, index?: number): GPUComputePassEncoder;
  release(): void;
}

/** Compiles and binds a plan; its operands must be in `memory`, its workspace is put there. @throws KernelError with the label and the compiler's message */
export async function preparePlan(memory: GpuMemory, plan: KernelPlan): Promise<PreparedPlan> {
  const { device } = memory;
  for (const [name, bytes] of Object.entries(plan.workspace)) memory.reserve(name, bytes);
  const uniforms: GPUBuffer[] = [];
  const steps: {
    label: string;
    pipeline: GPUComputePipeline;
    group: GPUBindGroup;
    workgroups: KernelPass['workgroups'];
  }[] = [];
  for (const pass of plan.passes) {
    const pipeline = await compilePass(device, pass);
    const entries: GPUBindGroupEntry[] = pass.bindings.map(({ buffer, range }, binding) => ({
      binding,
      resource: { buffer: memory.buffer(buffer), ...range },
    }));
    if (pass.uniform) {
      const usage = BUFFER_USAGE.UNIFORM | BUFFER_USAGE.COPY_DST;
      const buffer = device.createBuffer({ size: Math.ceil(pass.uniform.byteLength / 16) * 16, usage });
      device.queue.writeBuffer(buffer, 0, pass.uniform);
      uniforms.push(buffer);
      entries.push({ binding: entries.length, resource: { buffer } });
    }
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    steps.push({ label: pass.label, pipeline, group, workgroups: pass.workgroups });
  }
  return {
    labels: steps.map(({ label }) => label),
    encode(pass, index) {
      for (const { pipeline, group, workgroups } of index === undefined ? steps : [steps[index]!]) {
        pass.setPipeline(pipeline);
        pass.setBindGroup(0, group);
        pass.dispatchWorkgroups(...workgroups);
      }
      return pass;
    },
    release() {
      for (const buffer of uniforms) buffer.destroy();
    },
  };
}

const pipelines = new WeakMap<GPUDevice, Map<string, Promise<GPUComputePipeline>>>();

/** The pipeline of a pass, compiled once for each device, shader and set of constants. */
function compilePass(device: GPUDevice, pass: KernelPass): Promise<GPUComputePipeline> {
  const cache = pipelines.get(device) ?? new Map<string, Promise<GPUComputePipeline>>();
  pipelines.set(device, cache);
  const access = pass.bindings.map((binding) => binding.access).join();
  const key = `${access} ${pass.uniform !== null} ${JSON.stringify(pass.constants)} ${pass.shader}`;
  let pipeline = cache.get(key);
  if (!pipeline) {
    pipeline = compile(device, pass);
    cache.set(key, pipeline);
  }
  return pipeline;
}

async function compile(device: GPUDevice, pass: KernelPass): Promise<GPUComputePipeline> {
  const entries: GPUBindGroupLayoutEntry[] = pass.bindings.map(({ access }, binding) => ({
    binding,
    visibility: SHADER_STAGE_COMPUTE,
    buffer: { type: access === 'read' ? 'read-only-storage' : 'storage' },
  }));
  if (pass.uniform) {
    entries.push({ binding: entries.length, visibility: SHADER_STAGE_COMPUTE, buffer: { type: 'uniform' } });
  }
  device.pushErrorScope('validation');
  const layout = device.createPipelineLayout({ bindGroupLayouts: [device.createBindGroupLayout({ entries })] });
  const module = device.createShaderModule({ code: pass.shader, label: pass.label });
  const compute = { module, entryPoint: 'main', constants: pass.constants };
  const pipeline = device.createComputePipeline({ label: pass.label, layout, compute });
  const error = await device.popErrorScope();
  if (error) throw new KernelError(`${pass.label}: the shader must compile, got ${error.message}`);
  return pipeline;
}
