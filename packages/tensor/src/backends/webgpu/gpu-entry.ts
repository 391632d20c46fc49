/** Where WebGPU comes from: a browser's `navigator.gpu`, or Dawn in Node. */
export interface GpuEntry {
  readonly gpu: GPU;
  /** Call when the device is destroyed. */
  release(): void;
}

export interface GpuOptions {
  /** Dawn's bounds checks in shaders, which every browser has: off in Node unless they are asked for. */
  readonly boundsChecks?: boolean;
}
