export { type GridShare, kernelChecks, type VariantCheck, type VariantReport } from './check-kernels.ts';
export type { KernelDevice } from './kernel-device.ts';
