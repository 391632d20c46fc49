import { beforeEach } from 'vitest';

/**
 * A GPU test says in brackets what its adapter must have beyond WebGPU's core: `matmul > equals f64 [webgpu f16]`.
 * `MODA_ADAPTER_LACKS` (comma-separated, from `softwareVulkanEnvironment()`) names what this machine's adapter does not have:
 * such a test is counted as not run, with the reason, and `npm test` lists it. Without the variable every test runs.
 */
const lacks = (process.env['MODA_ADAPTER_LACKS'] ?? '').split(',').filter(Boolean);

beforeEach(({ task, skip }) => {
  const name = fullName(task);
  const missing = name.includes('[webgpu') && lacks.find((need) => new RegExp(`\\[[^\\]]*\\b${need}\\b`).test(name));
  if (missing) skip(`the adapter lacks ${missing}`);
});

function fullName(task) {
  return task.suite ? `${fullName(task.suite)} > ${task.name}` : task.name;
}
