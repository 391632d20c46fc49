/** A product `[M, K] . [K, N]` in f32 that a library has ready to run. */
export interface PreparedProduct {
  /** Computes it once; done when the device is. */
  run(): Promise<void>;
  /** The last result, row by row. */
  read(): Promise<Float32Array>;
  dispose(): void;
}

/** Causal attention of f32 heads `[H, T, D]`, forward; keys and values already have H heads. */
export type PreparedAttention = PreparedProduct;

/** Another library on a device of its own. */
export interface Peer {
  /** Name, version, backend: `jax-js 0.1.25, WebGPU`. */
  readonly label: string;
  product(a: Float32Array, b: Float32Array, size: { M: number; N: number; K: number }): Promise<PreparedProduct>;
  attention?(
    q: Float32Array,
    k: Float32Array,
    v: Float32Array,
    size: { H: number; T: number; D: number },
  ): Promise<PreparedAttention>;
}

/** Which of our devices a peer stands beside. */
export type PeerDevice = 'webgpu' | 'cpu';
