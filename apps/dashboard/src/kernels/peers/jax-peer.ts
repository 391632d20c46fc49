import { blockUntilReady, defaultDevice, init, type Array as JaxArray, jit, nn, numpy as np } from '@jax-js/jax';
import type { Peer, PeerDevice, PreparedProduct } from './peer.ts';

/** jax-js under `jit`, on WebGPU or on its WebAssembly backend, which takes all cores. */
export async function openJax(device: PeerDevice): Promise<Peer> {
  const backend = device === 'webgpu' ? 'webgpu' : 'wasm';
  const found = await init(backend);
  if (!found.includes(backend)) throw new Error(`jax-js has no ${backend} backend here`);
  defaultDevice(backend);
  const array = (values: Float32Array, shape: number[]): JaxArray =>
    np.array(values as Float32Array<ArrayBuffer>).reshape(shape);
  return {
    label: `jax-js 0.1.25, ${device === 'webgpu' ? 'WebGPU' : 'WebAssembly'}`,
    async product(a, b, { M, N, K }) {
      const [x, y] = await blockUntilReady([array(a, [M, K]), array(b, [K, N])]);
      const multiply = jit((p: JaxArray, q: JaxArray) => np.matmul(p, q));
      return prepared(
        () => multiply(x.ref, y.ref),
        () => [x, y],
      );
    },
    async attention(q, k, v, { H, T, D }) {
      // jax-js has positions before heads.
      const heads = (values: Float32Array): JaxArray => np.transpose(array(values, [H, T, D]), [1, 0, 2]);
      const [x, y, z] = await blockUntilReady([heads(q), heads(k), heads(v)]);
      const attend = jit((p: JaxArray, r: JaxArray, s: JaxArray) =>
        nn.dotProductAttention(p, r, s, { isCausal: true }),
      );
      const transposed = prepared(
        () => attend(x.ref, y.ref, z.ref),
        () => [x, y, z],
      );
      return { ...transposed, read: async () => headsFirst(await transposed.read(), { H, T, D }) };
    },
  };
}

function prepared(launch: () => JaxArray, operands: () => JaxArray[]): PreparedProduct {
  let last: JaxArray | null = null;
  return {
    async run() {
      last?.dispose();
      last = await blockUntilReady(launch());
    },
    read: async () => (await last!.ref.data()) as Float32Array,
    dispose() {
      last?.dispose();
      for (const operand of operands()) operand.dispose();
    },
  };
}

/** `[T, H, D]` as `[H, T, D]`. */
function headsFirst(values: Float32Array, { H, T, D }: { H: number; T: number; D: number }): Float32Array {
  const out = new Float32Array(values.length);
  for (let h = 0; h < H; h++)
    for (let t = 0; t < T; t++) out.set(values.subarray((t * H + h) * D, (t * H + h + 1) * D), (h * T + t) * D);
  return out;
}
