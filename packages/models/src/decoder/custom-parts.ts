import type { AttentionLayerContext } from '@modajs/moda';
import type { Tensor } from '@modajs/tensor';
import type { DecoderConfig } from '../config/decoder-config.ts';
import type { DepthPass } from '../depth/depth-mechanism.ts';
import type { DepthPath, SubLayer } from '../depth/depth-path.ts';
import type { ParameterSpecs } from '../parameters/parameter-spec.ts';

/** One block in one forward pass, as a block of your own sees it. Tensors are `[B, T, C]`. */
export interface BlockCall {
  readonly layer: number;
  readonly config: DecoderConfig;
  /** Positions, documents, cache and depth slots: what `attentionLayer` of `@modajs/moda` takes. */
  readonly context: AttentionLayerContext;
  /** A parameter by its whole name, in the dtype of the computation. @throws ConfigError for a name that no `specs` has */
  parameter(name: string): Tensor;
  /** Input of a sub-layer: what the depth path gives, under the pre-norm that the configuration asks for. */
  read(part: SubLayer): Tensor;
  /** Gives a sub-layer's output to the depth path, which adds it, under the norm that the configuration asks for. @throws ShapeError */
  write(part: SubLayer, y: Tensor): void;
  /** The configured attention. Its parameters are among those of `blockSpecs(config, layer)`. */
  attend(x: Tensor): Tensor;
  /** The configured feed-forward network. Its parameters are among those of `blockSpecs(config, layer)`. */
  feed(x: Tensor): Tensor;
}

/** A block in place of the configured one. */
export interface CustomBlock {
  /** Parameters of block `layer` by whole name; those of the configured block, `blockSpecs(config, layer)`, by default. */
  specs?(config: DecoderConfig, layer: number): ParameterSpecs;
  /** Computes a block: reads its inputs and writes its outputs. */
  run(block: BlockCall): void;
  /**
   * Whether `run` reads earlier positions through `attend` or `context.cache` alone, so that decoding with a cache gives what one pass
   * over the whole sequence does. Absent: passes with a cache are refused.
   */
  readonly readsCache?: boolean;
}

/** How blocks are joined through depth, in place of the residual sum of the configuration. */
export interface CustomDepth {
  /** Parameters beside those of block `layer`; `layer === nLayers` asks for those after the last block. None by default. */
  specs?(config: DecoderConfig, layer: number): ParameterSpecs;
  /** A path for one forward pass. What it gives at a position depends on that position alone. */
  path(pass: DepthPass): DepthPath;
}

/** Parts of a decoder that are the caller's own. */
export interface CustomParts {
  readonly block?: CustomBlock;
  /** The configuration's mechanism must be `residual`. */
  readonly depthPath?: CustomDepth;
}
