import { webGpuBackend } from '@modajs/bench';
import { type GridShare, kernelChecks } from '@modajs/kernels/testing';
import type { Device } from '@modajs/tensor';

/**
 * Runs the kernels' own grids of every variant that the device has, prints a line a variant: cases, worst error in parts of the tolerance.
 *
 * @param only variants whose name has one of these parts; all when empty
 * @param share which of the cases; all by default
 * @returns whether every case agrees with f64 and repeats bit for bit
 */
export async function checkKernelGrids(device: Device, only: readonly string[], share?: GridShare): Promise<boolean> {
  const backend = webGpuBackend(device);
  if (backend === null) {
    console.log(`\nkernel grids are WGSL: none on ${device.kind}`);
    return true;
  }
  const { capabilities } = backend;
  const gpu = { device: backend.device, capabilities, check: () => backend.synchronize() };
  const checks = kernelChecks(gpu, share).filter(
    ({ variant }) => only.length === 0 || only.some((part) => variant.includes(part)),
  );
  const width = Math.max(...checks.map(({ variant }) => variant.length), 0);
  console.log(`\n${'variant'.padEnd(width)}  cases  worst error, of what is allowed`);
  const failures: string[] = [];
  for (const check of checks) {
    const { variant, cases, worst, worstCase, failures: failed } = await check.run();
    failures.push(...failed);
    const verdict = failed.length === 0 ? 'ok' : `${failed.length} FAILED`;
    console.log(
      `${variant.padEnd(width)}  ${String(cases).padStart(5)}  ${(worst * 100).toFixed(0).padStart(3)} %  ${verdict}  (${worstCase})`,
    );
  }
  for (const failure of failures) console.log(`failed: ${failure}`);
  const leftOut = checks.reduce((sum, check) => sum + check.leftOut, 0);
  if (leftOut > 0) console.log(`\n${leftOut} cases in f16 were left out: this adapter has no shader-f16`);
  console.log(`\n${checks.length} variants, ${failures.length} cases wrong`);
  return failures.length === 0 && checks.length > 0;
}
