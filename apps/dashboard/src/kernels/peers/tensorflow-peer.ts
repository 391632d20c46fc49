import * as tf from '@tensorflow/tfjs-core';
import type { Peer, PeerDevice, PreparedProduct } from './peer.ts';

/**
 * TensorFlow.js on its WebGPU backend, or on WebAssembly (XNNPACK). The latter has one thread here: its threads load a
 * script from a blob, which the policy of `moda dashboard` refuses.
 */
export async function openTensorFlow(device: PeerDevice): Promise<Peer> {
  if (device === 'webgpu') await import('@tensorflow/tfjs-backend-webgpu');
  else await useWasm();
  const backend = device === 'webgpu' ? 'webgpu' : 'wasm';
  if (!(await tf.setBackend(backend))) throw new Error(`TensorFlow.js has no ${backend} backend here`);
  await tf.ready();
  return {
    label: `TensorFlow.js ${tf.version_core}, ${device === 'webgpu' ? 'WebGPU' : 'WebAssembly, one thread'}`,
    async product(a, b, { M, N, K }) {
      const [x, y] = [tf.tensor(a, [M, K]), tf.tensor(b, [K, N])];
      return prepared(
        () => tf.matMul(x, y),
        () => [x, y],
      );
    },
    async attention(q, k, v, { H, T, D }) {
      const [x, y, z] = [q, k, v].map((values) => tf.tensor(values, [H, T, D]) as tf.Tensor3D);
      const mask = tf.tensor(
        Float32Array.from({ length: T * T }, (_, i) => (i % T > Math.floor(i / T) ? -1e9 : 0)),
        [T, T],
      );
      const attend = (): tf.Tensor =>
        tf.tidy(() => {
          const scores = tf.add(tf.mul(tf.matMul(x, y, false, true), D ** -0.5), mask);
          return tf.matMul(tf.softmax(scores) as tf.Tensor3D, z);
        });
      return prepared(attend, () => [x, y, z, mask]);
    },
  };
}

async function useWasm(): Promise<void> {
  const [{ setWasmPaths }, plain, simd] = await Promise.all([
    import('@tensorflow/tfjs-backend-wasm'),
    import('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url'),
    import('@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url'),
  ]);
  // The flag exists once the backend is loaded.
  tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  const absolute = (url: string): string => new URL(url, import.meta.url).href;
  setWasmPaths({
    'tfjs-backend-wasm.wasm': absolute(plain.default),
    'tfjs-backend-wasm-simd.wasm': absolute(simd.default),
    // Asked for, and with one thread never loaded.
    'tfjs-backend-wasm-threaded-simd.wasm': absolute(simd.default),
  });
}

function prepared(launch: () => tf.Tensor, operands: () => tf.Tensor[]): PreparedProduct {
  let last: tf.Tensor | null = null;
  return {
    async run() {
      last?.dispose();
      last = launch();
      // One value read back waits for all of it.
      const corner = tf.tidy(() => tf.slice(tf.reshape(last!, [-1]), [0], [1]));
      await corner.data();
      corner.dispose();
    },
    read: async () => (await last!.data()) as Float32Array,
    dispose() {
      last?.dispose();
      for (const operand of operands()) operand.dispose();
    },
  };
}
