import { cast, type DType, noGrad, type Tensor, tensor, tidy, withoutScope } from '@modajs/tensor';
import {
  type AttentionLayerConfig,
  type AttentionLayerWeights,
  type AttentionMap,
  type AttentionProbe,
  type AttentionStatistics,
  type AttentionSummary,
  attentionLayer,
  attentionMap,
  attentionStatistics,
  DepthStream,
  summarizeAttention,
} from '../src/index.ts';
import { wave } from './moda-identities.ts';

/** Shapes of the layers. */
export const SIZES = { B: 2, T: 5, C: 7, H: 6, Hkv: 2, D: 4 } as const;
const { B, T, C, H, Hkv, D } = SIZES;

/** MoDA's layer. */
export const base: AttentionLayerConfig = {
  nHeads: H,
  nKvHeads: Hkv,
  headDim: D,
  qkNorm: 'full',
  normEps: 1e-6,
  rotary: { theta: 100, interleaved: false },
  softmaxScale: null,
  causal: true,
  depthKeyNorm: 'writer',
  depthRope: 'shared',
  depthChunk: 1,
  depthSlots: null,
};

/** Ways to make the keys of slots and to choose among slots. */
export const DEPTH_KEYS: Readonly<Record<string, Partial<AttentionLayerConfig>>> = {
  'writer norm, shared RoPE': {},
  'raw keys': { depthKeyNorm: 'none', depthRope: 'none' },
  'reader norm': { depthKeyNorm: 'reader' },
  'newest slot': { depthSlots: 1 },
};

/** What a test may change, and what it may look at. */
export interface LastLayerOptions {
  readonly dtype?: DType;
  /** Of the depth stream: below two slots' bytes in f32 each slot is a segment of its own. */
  readonly maxSegmentBytes?: number;
  /** True by default; a chunk-visible layer has no map. */
  readonly withMap?: boolean;
  /** Called with what the last layer hands out. */
  readonly onProbe?: (probe: AttentionProbe) => void;
}

/** What the last layer's attention looked at. */
export interface LastLayer {
  readonly statistics: AttentionStatistics;
  readonly summary: AttentionSummary;
  readonly map: AttentionMap;
}

/** Runs three layers over one stream and hands the last one's statistics and map to the test. */
export async function lastLayer(
  config: AttentionLayerConfig,
  { dtype = 'f32', maxSegmentBytes, withMap = true, onProbe }: LastLayerOptions = {},
): Promise<LastLayer> {
  let statistics: AttentionStatistics | null = null;
  let map: AttentionMap | null = null;
  const observe = (probe: AttentionProbe): void => {
    onProbe?.(probe);
    withoutScope(() => {
      statistics = attentionStatistics(probe);
      if (withMap) map = attentionMap(probe);
    });
  };
  tidy(() =>
    noGrad(() => {
      using stream = new DepthStream({ slots: 3, B, T, Hkv, D, dtype, maxSegmentBytes });
      runLayers(config, stream, dtype, observe);
    }),
  );
  return { statistics: statistics!, summary: await summarizeAttention(statistics!), map: map! };
}

function runLayers(
  config: AttentionLayerConfig,
  stream: DepthStream,
  dtype: DType,
  observe: (probe: AttentionProbe) => void,
): void {
  const positions = tensor(
    new Int32Array(B * T).map((_, i) => i % T),
    { shape: [B, T], dtype: 'i32' },
  );
  let x = cast(wave([B, T, C], 7), dtype);
  for (let layer = 0; layer < 3; layer++) {
    x = attentionLayer(x, weights(dtype), config, {
      positions,
      stream,
      writesSlot: true,
      docRange: null,
      cache: null,
      firstPosition: 0,
      onAttention: (probe) => layer === 2 && observe(probe),
    });
  }
}

function weights(dtype: DType): AttentionLayerWeights {
  const values = (shape: readonly number[], phase: number): Tensor => cast(wave(shape, phase), dtype);
  const linear = (outputs: number, inputs: number, phase: number) => ({
    weight: values([outputs, inputs], phase),
    bias: null,
  });
  return {
    qProj: linear(H * D, C, 1),
    kProj: linear(Hkv * D, C, 2),
    vProj: linear(Hkv * D, C, 3),
    oProj: linear(C, H * D, 4),
    qNorm: values([H * D], 5),
    kNorm: values([Hkv * D], 6),
    depthAttentionProj: null,
    depthFfnProj: null,
  };
}
