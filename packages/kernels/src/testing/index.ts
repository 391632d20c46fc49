export { type GridShare, kernelChecks, type RungCheck, type RungReport } from './check-kernels.ts';
export type { KernelDevice } from './kernel-device.ts';
