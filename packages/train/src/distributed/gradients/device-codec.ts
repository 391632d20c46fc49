import type { Tensor } from '@modajs/tensor';
import type { ArrayView } from '@modajs/tensor/extend';
import { type BlockCoding, blocksOf } from './block-codec.ts';
import decodeShader from './decode-blocks.wgsl';
import encodeShader from './encode-blocks.wgsl';

/** WebGPU's guaranteed number of workgroups along an axis. */
const MOST_WORKGROUPS = 65535;

type Backend = Tensor['device']['backend'];

/** Writes a gradient as blocks into `words`; the gradient becomes what they leave out. Only recorded, in the order of commands. */
export function encodeOnDevice(backend: Backend, coding: BlockCoding, gradient: ArrayView, words: ArrayView): void {
  backend.custom({
    name: `encode gradients ${coding}`,
    inputNames: [],
    inputs: [],
    outputs: [gradient, words],
    shader: () => shaderOf(encodeShader, coding, gradient),
  });
}

/** The counterpart: overwrites a gradient by the values of blocks. */
export function decodeOnDevice(backend: Backend, coding: BlockCoding, words: ArrayView, gradient: ArrayView): void {
  backend.custom({
    name: `decode gradients ${coding}`,
    inputNames: ['words'],
    inputs: [words],
    outputs: [gradient],
    shader: () => shaderOf(decodeShader, coding, gradient),
  });
}

function shaderOf(shader: string, coding: BlockCoding, { shape: [length] }: ArrayView) {
  const blocks = blocksOf(length);
  const across = Math.min(blocks, MOST_WORKGROUPS);
  const workgroups: [number, number, number] = [across, Math.ceil(blocks / across), 1];
  return { shader, workgroups, constants: { CODE_BITS: coding === 'f16' ? 16 : 8 } };
}
