/** Sizes of model that train in a page. */
export type PageModelSize = 'small' | 'deep' | 'large';

export interface PageModel {
  readonly label: string;
  readonly vocabSize: number;
  readonly batchSize: number;
  readonly lr: number;
  readonly model: Readonly<Record<string, number | string>>;
}

const SHARED = { norm: 'pre', qkNorm: 'full', headDim: 16 } as const;

/** `small` trains on a phone, `deep` is where depth attention has most to say, `large` wants a GPU. */
export const PAGE_MODELS: Readonly<Record<PageModelSize, PageModel>> = {
  small: {
    label: 'Small: 4 layers, width 64',
    vocabSize: 384,
    batchSize: 8,
    lr: 3e-3,
    model: { ...SHARED, nLayers: 4, nHeads: 4, nKvHeads: 2, dModel: 64, dFf: 176, seqLen: 64 },
  },
  deep: {
    label: 'Deep: 12 layers, width 64',
    vocabSize: 384,
    batchSize: 8,
    lr: 2e-3,
    model: { ...SHARED, nLayers: 12, nHeads: 4, nKvHeads: 2, dModel: 64, dFf: 176, seqLen: 64 },
  },
  large: {
    label: 'Large: 6 layers, width 192',
    vocabSize: 1024,
    batchSize: 16,
    lr: 2e-3,
    model: { ...SHARED, nLayers: 6, nHeads: 12, nKvHeads: 4, dModel: 192, dFf: 512, seqLen: 128 },
  },
};
