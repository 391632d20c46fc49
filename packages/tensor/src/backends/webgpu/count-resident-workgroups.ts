import { type DeviceCapabilities, planResidentWorkgroups } from '@modajs/kernels';
import { BUFFER_USAGE, MAP_MODE_READ } from '@modajs/kernels/executor';

/**
 * Workgroups that run at once on NVIDIA GPUs, where a workgroup that has begun goes on while others wait for it; 0 on others:
 * WebGPU promises no such thing.
 */
export async function countResidentWorkgroups(device: GPUDevice, capabilities: DeviceCapabilities): Promise<number> {
  if (capabilities.vendor !== 'nvidia') return 0;
  const counts = device.createBuffer({ size: 16, usage: BUFFER_USAGE.STORAGE | BUFFER_USAGE.COPY_SRC });
  const result = device.createBuffer({ size: 16, usage: BUFFER_USAGE.MAP_READ | BUFFER_USAGE.COPY_DST });
  const encoder = device.createCommandEncoder();
  for (const { shader, constants, workgroups, label } of planResidentWorkgroups(capabilities).passes) {
    const module = device.createShaderModule({ code: shader, label });
    const compute = { module, entryPoint: 'main', constants };
    const pipeline = await device.createComputePipelineAsync({ label, layout: 'auto', compute });
    const entries = [{ binding: 0, resource: { buffer: counts } }];
    const pass = encoder.beginComputePass({ label });
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries }));
    pass.dispatchWorkgroups(...workgroups);
    pass.end();
  }
  encoder.copyBufferToBuffer(counts, 0, result, 0, 16);
  device.queue.submit([encoder.finish()]);
  await result.mapAsync(MAP_MODE_READ);
  const most = new Uint32Array(result.getMappedRange())[1];
  counts.destroy();
  result.destroy();
  return most;
}
