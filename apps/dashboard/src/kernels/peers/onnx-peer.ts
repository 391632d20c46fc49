import { env, InferenceSession, Tensor } from 'onnxruntime-web/webgpu';
import { onnxProduct } from './onnx-product.ts';
import type { Peer, PeerDevice } from './peer.ts';

/**
 * onnxruntime-web, products only: its WebGPU or its WebAssembly provider. The latter has one thread here: more start from
 * its own file, which is part of another one in a built page.
 */
export async function openOnnx(device: PeerDevice): Promise<Peer> {
  env.wasm.numThreads = 1;
  env.logLevel = 'error';
  const isGpu = device === 'webgpu';
  return {
    label: `onnxruntime-web ${env.versions.web ?? ''}, ${isGpu ? 'WebGPU' : 'WebAssembly, one thread'}`,
    async product(a, b, { M, N, K }) {
      const session = await InferenceSession.create(onnxProduct({ M, N, K }), {
        executionProviders: [isGpu ? 'webgpu' : 'wasm'],
        ...(isGpu ? { preferredOutputLocation: 'gpu-buffer' as const } : {}),
      }).catch((error: Error) => {
        // Its runtime is no part of the published dashboard.
        const cure = /fetch/.test(error.message)
          ? ` Install onnxruntime-web ${env.versions.web} beside the dashboard.`
          : '';
        throw new Error(`${error.message}${cure}`);
      });
      const feeds = { a: new Tensor('float32', a, [M, K]), b: new Tensor('float32', b, [K, N]) };
      let last: Tensor | null = null;
      return {
        async run() {
          last?.dispose();
          last = (await session.run(feeds))['out'];
          if (isGpu) await (await env.webgpu.device).queue.onSubmittedWorkDone();
        },
        read: async () => (await last!.getData()) as Float32Array,
        dispose() {
          last?.dispose();
          void session.release();
        },
      };
    },
  };
}
