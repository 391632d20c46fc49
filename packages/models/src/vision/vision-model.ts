import {
  type AttentionLayerConfig,
  attentionLayer,
  DepthStream,
  type LinearWeights,
  writeProjected,
} from '@modajs/moda';
import {
  add,
  arange,
  broadcastTo,
  concat,
  crossEntropy,
  geluErf,
  layerNorm,
  linear,
  reshape,
  ShapeError,
  slice,
  type Tensor,
  tidy,
  transpose,
} from '@modajs/tensor';
import { createParameters, type ParameterOptions } from '../decoder/create-parameters.ts';
import type { VisionConfig } from './vision-config.ts';
import { visionPositions, visionSpecs } from './vision-specs.ts';

/**
 * A vision transformer whose blocks read, under one softmax, all patches and what earlier blocks wrote at the same patch.
 * The class token's final state gives the logits.
 */
export class VisionModel implements Disposable {
  readonly #parameters: Record<string, Tensor>;

  /** @throws OutOfMemoryError, DTypeError */
  constructor(
    readonly config: VisionConfig,
    options: ParameterOptions = {},
  ) {
    this.#parameters = createParameters(visionSpecs(config), options);
  }

  /** Parameters by name; the model's own. */
  parameters(): Record<string, Tensor> {
    return { ...this.#parameters };
  }

  /**
   * Class logits `[B, nClasses]` of images.
   *
   * @param images `[B, channels, imageSize, imageSize]`
   * @throws ShapeError
   */
  forward(images: Tensor): Tensor {
    const { channels, imageSize, dModel, nLayers, normEps } = this.config;
    const wanted = [images.shape[0], channels, imageSize, imageSize];
    if (images.rank !== 4 || images.shape.join() !== wanted.join()) {
      throw new ShapeError(
        `vision: images must be [B, ${wanted.slice(1).join(', ')}], got [${images.shape}]. Resize them.`,
        {
          images: images.shape,
        },
      );
    }
    return tidy(() => {
      const [B] = images.shape;
      let x = this.#embed(images);
      const T = x.shape[1];
      const stream = this.#openStream(B, T);
      const positions = broadcastTo(arange(T, { device: images.device }), [B, T]);
      for (let layer = 0; layer < nLayers; layer++) x = this.#block(x, layer, stream, positions);
      stream?.dispose();
      const first = reshape(slice(x, [0, 0, 0], [B, 1, dModel]), [B, dModel]);
      const { weight, bias } = this.#linear('norm');
      return this.#apply(layerNorm(first, weight, bias, normEps), 'head');
    });
  }

  /** Mean cross-entropy in nats. @param labels i32 `[B]` */
  loss(images: Tensor, labels: Tensor): Tensor {
    return tidy(() => crossEntropy(this.forward(images), labels));
  }

  /** Patches as rows `[B, 1 + patches, C]`, the class token first. */
  #embed(images: Tensor): Tensor {
    const { channels, imageSize, patchSize: P, dModel } = this.config;
    const [B] = images.shape;
    const n = imageSize / P;
    const tiles = transpose(reshape(images, [B, channels, n, P, n, P]), [0, 2, 4, 1, 3, 5]);
    const patches = this.#apply(reshape(tiles, [B, n * n, channels * P * P]), 'patch_embed.proj');
    const token = broadcastTo(this.#parameters['cls_token'], [B, 1, dModel]);
    return add(concat([token, patches], 1), this.#parameters['pos_embed']);
  }

  #openStream(B: number, T: number): DepthStream | null {
    const { depth, nLayers, nHeads, nKvHeads, dModel } = this.config;
    if (depth === 'residual' || nLayers === 1) return null;
    const { device, dtype } = this.#parameters['cls_token'];
    return new DepthStream({ slots: 2 * (nLayers - 1), B, T, Hkv: nKvHeads, D: dModel / nHeads, device, dtype });
  }

  #block(x: Tensor, layer: number, stream: DepthStream | null, positions: Tensor): Tensor {
    const block = `blocks.${layer}`;
    const norm = (input: Tensor, name: string): Tensor => {
      const { weight, bias } = this.#linear(`${block}.${name}`);
      return layerNorm(input, weight, bias, this.config.normEps);
    };
    const writesSlot = layer < this.config.nLayers - 1;
    const weights = {
      qProj: this.#linear(`${block}.attn.q`),
      kProj: this.#linear(`${block}.attn.k`),
      vProj: this.#linear(`${block}.attn.v`),
      oProj: this.#linear(`${block}.attn.proj`),
      qNorm: null,
      kNorm: null,
      depthAttentionProj: null,
      depthFfnProj: null,
    };
    const context = { positions, stream, writesSlot, docRange: null, cache: null, firstPosition: 0 };
    const attended = add(x, attentionLayer(norm(x, 'norm1'), weights, this.#layerConfig(), context));
    const input = norm(attended, 'norm2');
    if (stream && writesSlot) {
      const projection = this.#linear(`${block}.depth.ffn_kv_proj`);
      writeProjected(stream, input, projection, null, positions, this.#layerConfig());
    }
    return add(attended, this.#apply(geluErf(this.#apply(input, `${block}.mlp.fc1`)), `${block}.mlp.fc2`));
  }

  #layerConfig(): AttentionLayerConfig {
    const { nHeads, nKvHeads, dModel, normEps } = this.config;
    return {
      nHeads,
      nKvHeads,
      headDim: dModel / nHeads,
      normEps,
      qkNorm: 'none',
      rotary: null,
      softmaxScale: null,
      causal: false,
      depthKeyNorm: 'writer',
      depthRope: 'shared',
      depthChunk: 1,
      depthSlots: null,
    };
  }

  #linear(name: string): LinearWeights & { readonly weight: Tensor; readonly bias: Tensor } {
    return { weight: this.#parameters[`${name}.weight`], bias: this.#parameters[`${name}.bias`] };
  }

  #apply(x: Tensor, name: string): Tensor {
    const { weight, bias } = this.#linear(name);
    return linear(x, weight, bias);
  }

  /** Positions of the sequence. */
  get positions(): number {
    return visionPositions(this.config);
  }

  /** Frees the parameters. */
  dispose(): void {
    for (const parameter of Object.values(this.#parameters)) parameter.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }
}

/** A vision model with fresh parameters. @throws OutOfMemoryError, DTypeError */
export function createVisionModel(config: VisionConfig, options: ParameterOptions = {}): VisionModel {
  return new VisionModel(config, options);
}
