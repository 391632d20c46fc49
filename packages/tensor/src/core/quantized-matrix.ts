import { BLOCK_NUMBERS, type BlockFormat, blockFormats, blockWords, quantizedBytes } from '@modajs/kernels/formats';
import type { QuantizedView } from '../backends/backend.ts';
import { type Device, defaultDevice, isDevice } from './device.ts';
import { ConfigError, ShapeError, shown } from './errors.ts';
import { withoutScope } from './scope.ts';
import { checkShape, formatShape } from './shape.ts';
import { allocateTensor, type Tensor } from './tensor.ts';
import { oneOf } from './value-checks.ts';

const isFormat = oneOf(...Object.keys(blockFormats));

/**
 * A matrix `[O, I]` that stays quantized in memory: blocks of 32 numbers of a row with one f16 scale (`q8_0`: 34 bytes, `q4_0`: 18 bytes), as in
 * ggml's files. It never changes and has no gradient. Multiply with it by `quantizedLinear`. It belongs to no scope: whoever made it disposes
 * of it.
 */
export class QuantizedMatrix implements Disposable {
  readonly #codes: Tensor;
  readonly #scales: Tensor;

  /**
   * A matrix whose blocks are zero.
   *
   * @throws ShapeError when the shape is not [O, I], or I no multiple of 32
   */
  constructor(
    readonly format: BlockFormat,
    readonly shape: readonly [O: number, I: number],
    readonly device: Device = defaultDevice(),
  ) {
    isFormat('QuantizedMatrix', 'format', format);
    isDevice('QuantizedMatrix', 'device', device);
    device.requireOpen('QuantizedMatrix');
    checkShape('QuantizedMatrix', shape);
    const [O, I] = shape;
    if (shape.length !== 2 || I % BLOCK_NUMBERS !== 0) {
      throw new ShapeError(
        `QuantizedMatrix: shape must be [O, I] with I a multiple of ${BLOCK_NUMBERS}, got ${formatShape(shape)}. Keep the matrix in f32 or f16.`,
        { shape },
      );
    }
    const words = blockWords(format, O * I);
    [this.#codes, this.#scales] = withoutScope(() => [
      allocateTensor(device, [words.codes], 'u32'),
      allocateTensor(device, [words.scales], 'u32'),
    ]);
    device.backend.fill(this.#codes.view, 0);
    device.backend.fill(this.#scales.view, 0);
  }

  /** Bytes that it holds on the device. */
  get sizeBytes(): number {
    return quantizedBytes(this.format, this.shape[0], this.shape[1]);
  }

  /** As backends take it. */
  get view(): QuantizedView {
    const { format, shape } = this;
    return { format, shape, codes: this.#codes.view, scales: this.#scales.view };
  }

  /**
   * Replaces all blocks.
   *
   * @param bytes ggml's blocks, row by row: each an f16 scale, little-endian, and then its codes
   * @throws ShapeError when there are more or fewer bytes than the matrix has
   */
  load(bytes: Uint8Array): void {
    const { format, shape, device } = this;
    if (!(bytes instanceof Uint8Array))
      throw new ConfigError(`QuantizedMatrix: load needs bytes in a Uint8Array, got ${shown(bytes)}.`);
    const codeBytes = blockFormats[format].codeWords * 4;
    const blocks = (shape[0] * shape[1]) / BLOCK_NUMBERS;
    if (bytes.length !== blocks * (codeBytes + 2)) {
      throw new ShapeError(
        `QuantizedMatrix: load needs ${blocks * (codeBytes + 2)} bytes for [${shape}] in ${format}, got ${bytes.length}. Pass whole rows.`,
        { shape, bytes: bytes.length },
      );
    }
    const codes = new Uint8Array(blocks * codeBytes);
    const scales = new Uint8Array(Math.ceil(blocks / 2) * 4);
    for (let block = 0; block < blocks; block++) {
      const at = block * (codeBytes + 2);
      scales[2 * block] = bytes[at];
      scales[2 * block + 1] = bytes[at + 1];
      codes.set(bytes.subarray(at + 2, at + 2 + codeBytes), block * codeBytes);
    }
    const upload = ({ view }: Tensor, data: Uint8Array) =>
      device.backend.upload(view.storage, view.offset, new Uint32Array(data.buffer));
    upload(this.#codes, codes);
    upload(this.#scales, scales);
  }

  dispose(): void {
    this.#codes.dispose();
    this.#scales.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}
