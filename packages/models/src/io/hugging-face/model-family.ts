import type { DecoderConfig } from '../../config/decoder-config.ts';
import { gemmaNames, gpt2Names, gptNeoxNames, llamaNames, type NameTable, phi3Names } from '../names/name-table.ts';
import { gatedActivations, plainActivations } from './activation-names.ts';

/** Baseline architectures that other libraries know by name: the `model_type` of their files, nearest first where several fit. */
const modelFamilies = [
  'olmo2',
  'llama',
  'qwen3',
  'gpt2',
  'qwen2',
  'mistral',
  'olmo3',
  'smollm3',
  'granite',
  'phi3',
  'gemma',
  'gemma2',
  'gemma3_text',
  'gpt_neox',
] as const;

/** One of `modelFamilies`. */
export type ModelFamily = (typeof modelFamilies)[number];

/** Fields that say nothing about the architecture. */
type Sizes =
  | 'nLayers'
  | 'nHeads'
  | 'nKvHeads'
  | 'headDim'
  | 'dModel'
  | 'dFf'
  | 'vocabSize'
  | 'seqLen'
  | 'normEps'
  | 'tieEmbeddings'
  | 'ropeTheta'
  // A matter of how rows of two matrices are ordered.
  | 'ropeInterleaved';

type Architecture = Omit<DecoderConfig, Sizes>;
type Field = keyof Architecture;

interface Family {
  /** Name of the class in `transformers`. */
  readonly architecture: string;
  readonly names: NameTable;
  /** Fields that differ from Llama's. */
  readonly fixed: Partial<Architecture>;
  /** Fields that the family's file can say, and which values of them. */
  readonly said: { readonly [field in Field]?: (value: DecoderConfig[field], config: DecoderConfig) => boolean };
}

/** Llama's block without biases. */
const plain: Architecture = {
  norm: 'pre',
  normKind: 'rms',
  qkNorm: 'none',
  bias: false,
  biasMaps: 'all',
  activation: 'swiglu',
  parallelBlocks: false,
  embeddingScale: 1,
  residualScale: 1,
  logitScale: 1,
  logitSoftcap: null,
  positions: 'rope',
  ropeScaling: null,
  localRopeTheta: null,
  rotaryDim: null,
  nopeLayers: [],
  softmaxScale: null,
  softmaxScaleByLayer: false,
  attentionSoftcap: null,
  window: null,
  localLayers: [],
  depth: { kind: 'residual' },
};

const any = (): boolean => true;
const gated = (name: string): boolean => Object.values(gatedActivations).includes(name as never);
const ungated = (name: string): boolean => Object.values(plainActivations).includes(name as never);
const ofAttention = (maps: string, { bias }: DecoderConfig): boolean => maps === (bias ? 'attention' : 'all');
const inAll = (layers: readonly number[], { window, nLayers }: DecoderConfig): boolean =>
  layers.length === (window === null ? 0 : nLayers);
const shortRope = (scaling: DecoderConfig['ropeScaling'], { seqLen }: DecoderConfig): boolean =>
  scaling === null || scaling.kind !== 'dynamic' || scaling.trainedLength === seqLen;
const windowed = { window: any, localLayers: any } as const;
const gemmaSaid = { activation: gated, bias: any, biasMaps: ofAttention, ropeScaling: shortRope } as const;
const isGiven = (scale: number | null): boolean => scale !== null;
const ofWidth = (scale: number, { dModel }: DecoderConfig): boolean => scale === Math.sqrt(dModel);

const families: Readonly<Record<ModelFamily, Family>> = {
  olmo2: {
    architecture: 'Olmo2ForCausalLM',
    names: llamaNames,
    fixed: { norm: 'reordered', qkNorm: 'full' },
    said: { activation: gated, bias: any, biasMaps: ofAttention, ropeScaling: shortRope },
  },
  llama: {
    architecture: 'LlamaForCausalLM',
    names: llamaNames,
    fixed: {},
    said: { activation: gated, bias: any, biasMaps: (maps) => maps !== 'qkv', ropeScaling: shortRope },
  },
  qwen3: {
    architecture: 'Qwen3ForCausalLM',
    names: llamaNames,
    fixed: { qkNorm: 'head' },
    said: { activation: gated, bias: any, biasMaps: ofAttention, ropeScaling: shortRope, ...windowed },
  },
  gpt2: {
    architecture: 'GPT2LMHeadModel',
    names: gpt2Names,
    fixed: { normKind: 'layer', positions: 'learned', bias: true, activation: 'gelu' },
    said: { activation: ungated, softmaxScale: (scale) => scale === null || scale === 1, softmaxScaleByLayer: any },
  },
  qwen2: {
    architecture: 'Qwen2ForCausalLM',
    names: llamaNames,
    fixed: { bias: true, biasMaps: 'qkv' },
    said: { activation: gated, ropeScaling: shortRope, ...windowed },
  },
  mistral: {
    architecture: 'MistralForCausalLM',
    names: llamaNames,
    fixed: {},
    said: { activation: gated, ropeScaling: shortRope, window: any, localLayers: inAll },
  },
  olmo3: {
    architecture: 'Olmo3ForCausalLM',
    names: llamaNames,
    fixed: { norm: 'reordered', qkNorm: 'full' },
    said: {
      activation: gated,
      bias: any,
      biasMaps: ofAttention,
      ...windowed,
      localRopeTheta: any,
      ropeScaling: (scaling, config) =>
        shortRope(scaling, config) &&
        (scaling === null || config.localLayers.length === 0 || config.localRopeTheta !== null),
    },
  },
  smollm3: {
    architecture: 'SmolLM3ForCausalLM',
    names: llamaNames,
    fixed: {},
    said: {
      activation: gated,
      bias: any,
      ropeScaling: shortRope,
      nopeLayers: any,
      ...windowed,
      biasMaps: (maps) => maps !== 'qkv',
    },
  },
  granite: {
    architecture: 'GraniteForCausalLM',
    names: llamaNames,
    fixed: {},
    said: {
      activation: gated,
      bias: any,
      ropeScaling: shortRope,
      embeddingScale: any,
      residualScale: any,
      biasMaps: (maps: string) => maps !== 'qkv',
      softmaxScale: isGiven,
      logitScale: any,
    },
  },
  phi3: {
    architecture: 'Phi3ForCausalLM',
    names: phi3Names,
    fixed: {},
    said: {
      activation: gated,
      rotaryDim: any,
      window: any,
      localLayers: inAll,
      ropeScaling: (scaling) => scaling === null || scaling.kind === 'longrope',
    },
  },
  gemma: {
    architecture: 'GemmaForCausalLM',
    names: gemmaNames,
    fixed: { activation: 'geglu' },
    said: { ...gemmaSaid, activation: (name) => gated(name) && name !== 'geglu-erf', embeddingScale: ofWidth },
  },
  gemma2: {
    architecture: 'Gemma2ForCausalLM',
    names: gemmaNames,
    fixed: { norm: 'sandwich', activation: 'geglu' },
    said: {
      ...gemmaSaid,
      ...windowed,
      embeddingScale: ofWidth,
      softmaxScale: isGiven,
      logitSoftcap: any,
      attentionSoftcap: any,
    },
  },
  gemma3_text: {
    architecture: 'Gemma3ForCausalLM',
    names: gemmaNames,
    fixed: { norm: 'sandwich', qkNorm: 'head', activation: 'geglu' },
    said: {
      ...gemmaSaid,
      ...windowed,
      embeddingScale: ofWidth,
      softmaxScale: isGiven,
      logitSoftcap: any,
      localRopeTheta: any,
      ropeScaling: (scaling, config) =>
        shortRope(scaling, config) &&
        (scaling === null || config.localLayers.length === 0 || config.localRopeTheta !== null),
    },
  },
  gpt_neox: {
    architecture: 'GPTNeoXForCausalLM',
    names: gptNeoxNames,
    fixed: { normKind: 'layer', activation: 'gelu-erf', bias: true, parallelBlocks: true },
    said: {
      activation: ungated,
      parallelBlocks: any,
      rotaryDim: any,
      ropeScaling: shortRope,
      biasMaps: (maps) => maps === 'all' || maps === 'ffn',
    },
  },
};

/** The fields that a family fixes, or starts from where its file can say more. */
export function familyFields(family: ModelFamily): Architecture {
  return { ...plain, ...families[family].fixed };
}

/** How a family's checkpoints name our parameters. */
export function familyNames(family: ModelFamily): NameTable {
  return families[family].names;
}

/** The class that loads a family in `transformers`. */
export function familyArchitecture(family: ModelFamily): string {
  return families[family].architecture;
}

/** Sizes that a family's own file has no words for. */
function hasSizes(family: ModelFamily, { nHeads, nKvHeads, headDim, dModel }: DecoderConfig): boolean {
  const isWide = nHeads * headDim === dModel;
  switch (family) {
    case 'gpt2':
    case 'gpt_neox':
      return nKvHeads === nHeads && isWide;
    case 'phi3':
      return isWide;
    default:
      return true;
  }
}

/** The family whose fields a configuration has, or null: then only this library can load it. */
export function familyOf(config: DecoderConfig): ModelFamily | null {
  const isSaid = <Key extends Field>(family: ModelFamily, key: Key): boolean => {
    const says = families[family].said[key] as
      | ((value: DecoderConfig[Key], config: DecoderConfig) => boolean)
      | undefined;
    if (says) return says(config[key], config);
    return JSON.stringify(config[key]) === JSON.stringify(familyFields(family)[key]);
  };
  const matches = (family: ModelFamily): boolean =>
    (Object.keys(plain) as Field[]).every((key) => isSaid(family, key)) && hasSizes(family, config);
  return modelFamilies.find(matches) ?? null;
}
