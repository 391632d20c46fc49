import type { KernelPlan } from '../src/plan/plan.ts';
import { compilePass } from '../src/testing/run-plan.ts';

/** Milliseconds of repeated runs of a plan. */
export interface Timing {
  readonly medianMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * Times plans with timestamp queries; each of `repeats` samples runs all of `plans` once, in one compute pass.
 * Several plans that differ in their offsets keep a small problem from living in the cache.
 *
 * @param buffers operands and workspace by name, shared by the plans
 * @returns time of one plan
 */
export async function timePlans(
  device: GPUDevice,
  plans: readonly KernelPlan[],
  buffers: Readonly<Record<string, GPUBuffer>>,
  repeats = 10,
): Promise<Timing> {
  const temporary: GPUBuffer[] = [];
  const passes = await Promise.all(plans.flatMap(({ passes }) => passes).map((pass) => bind(pass)));
  async function bind(pass: KernelPlan['passes'][number]) {
    const pipeline = await compilePass(device, pass);
    const entries: GPUBindGroupEntry[] = pass.bindings.map(({ buffer, range }, binding) => {
      if (!buffers[buffer]) throw new Error(`timePlans: no buffer for "${buffer}" of ${pass.label}.`);
      return { binding, resource: { buffer: buffers[buffer], ...range } };
    });
    if (pass.uniform) {
      const buffer = device.createBuffer({
        size: pass.uniform.byteLength,
        usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
      });
      device.queue.writeBuffer(buffer, 0, pass.uniform);
      temporary.push(buffer);
      entries.push({ binding: entries.length, resource: { buffer } });
    }
    const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
    return { pipeline, group, workgroups: pass.workgroups };
  }
  const count = repeats + 2;
  const querySet = device.createQuerySet({ type: 'timestamp', count: count * 2 });
  const resolved = device.createBuffer({
    size: count * 16,
    usage: GPUBufferUsage.QUERY_RESOLVE | GPUBufferUsage.COPY_SRC,
  });
  const readable = device.createBuffer({ size: count * 16, usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST });
  const encoder = device.createCommandEncoder();
  for (let sample = 0; sample < count; sample++) {
    const compute = encoder.beginComputePass({
      timestampWrites: { querySet, beginningOfPassWriteIndex: sample * 2, endOfPassWriteIndex: sample * 2 + 1 },
    });
    for (const { pipeline, group, workgroups } of passes) {
      compute.setPipeline(pipeline);
      compute.setBindGroup(0, group);
      compute.dispatchWorkgroups(...workgroups);
    }
    compute.end();
  }
  encoder.resolveQuerySet(querySet, 0, count * 2, resolved, 0);
  encoder.copyBufferToBuffer(resolved, 0, readable, 0, count * 16);
  device.queue.submit([encoder.finish()]);
  await readable.mapAsync(GPUMapMode.READ);
  const stamps = new BigInt64Array(readable.getMappedRange().slice(0));
  for (const buffer of [resolved, readable, ...temporary]) buffer.destroy();
  querySet.destroy();
  const times = Array.from(
    { length: repeats },
    (_, i) => Number(stamps[i * 2 + 5]! - stamps[i * 2 + 4]!) / 1e6 / plans.length,
  );
  times.sort((x, y) => x - y);
  return { medianMs: times[Math.floor(repeats / 2)]!, minMs: times[0]!, maxMs: times[repeats - 1]! };
}
