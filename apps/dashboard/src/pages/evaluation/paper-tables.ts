/** What the dashboard shows beside a visitor's own results: the figures the paper prints, as it prints them. */
export const PAPER_CITATION = 'Zhu et al., Mixture-of-Depths Attention, arXiv 2603.15619 (2026)';

/** One column of reference: a model of the paper. Values it does not print are absent. */
export interface PaperModel {
  readonly label: string;
  /** What tells it from the other columns of its table. */
  readonly detail: string;
  /** Accuracy in per cent by task; `moda_paper` is the average over the ten. */
  readonly accuracy?: Readonly<Record<string, number>>;
  /** Perplexity per token by domain. */
  readonly perplexity?: Readonly<Record<string, number>>;
  /** Nats per token by domain. */
  readonly loss?: Readonly<Record<string, number>>;
}

/** One or two tables of the paper with the same models. */
export interface PaperTable {
  readonly id: string;
  readonly title: string;
  readonly models: readonly PaperModel[];
}

/** The ten tasks of Table 4 in its order, by the names the harness gives them; then their average. */
export const PAPER_TASKS: Readonly<Record<string, string>> = {
  piqa: 'PIQA',
  hellaswag: 'HellaSwag',
  winogrande: 'WinoGrande',
  openbookqa: 'OpenBookQA',
  boolq: 'BoolQ',
  sciq: 'SciQ',
  arc_easy: 'ARC-Easy',
  arc_challenge: 'ARC-Challenge',
  copa: 'COPA',
  mmlu: 'MMLU',
  moda_paper: 'Average',
};

/** The ten validation sets of Table 5 in its order. */
export const TABLE_5_DOMAINS = [
  'C4',
  'ICE',
  'm2d2-s2orc',
  'Pile',
  'Wiki-text',
  'Books',
  'CC',
  'peS2o',
  'Reddit',
  'Stack',
];

/** Domains of the paper: Table 5's, the training set of Table 3, the validation set of Table 6. */
export const PAPER_DOMAINS: readonly string[] = [...TABLE_5_DOMAINS, 'Training set', 'FineWeb-Edu', 'Average'];

const byName = (names: readonly string[], values: readonly number[]): Record<string, number> =>
  Object.fromEntries(names.map((name, i) => [name, values[i]]));

const trained = (label: string, accuracy: readonly number[], perplexity: readonly number[]): PaperModel => ({
  label,
  detail: '400B tokens',
  accuracy: byName(Object.keys(PAPER_TASKS), accuracy),
  perplexity: byName([...TABLE_5_DOMAINS, 'Average'], perplexity),
});

const TABLES_4_AND_5: PaperTable = {
  id: 'tables-4-5',
  title: 'Tables 4 and 5: 700M and 1.5B',
  models: [
    trained(
      'OLMo2-700M',
      [73.72, 58.77, 55.33, 35.6, 56.24, 89.5, 66.84, 33.44, 77.0, 24.69, 57.11],
      [18.32, 17.43, 24.37, 9.53, 12.26, 16.78, 20.53, 9.17, 23.84, 3.93, 15.61],
    ),
    trained(
      'MoDA-700M',
      [73.39, 59.19, 60.22, 37.2, 59.33, 89.6, 67.37, 34.78, 82.0, 25.61, 58.87],
      [18.29, 17.24, 23.64, 9.48, 12.06, 16.58, 20.52, 9.14, 23.75, 3.9, 15.46],
    ),
    trained(
      'OLMo2-1.5B',
      [76.55, 65.86, 63.22, 38.8, 63.61, 90.6, 72.98, 42.47, 81.0, 27.73, 62.28],
      [16.16, 15.37, 21.1, 8.45, 10.41, 14.19, 18.13, 8.19, 21.21, 3.57, 13.67],
    ),
    trained(
      'MoDA-1.5B',
      [76.82, 66.24, 65.59, 41.6, 67.34, 92.1, 72.81, 46.82, 85.0, 29.59, 64.39],
      [15.97, 15.08, 20.92, 8.33, 10.16, 13.95, 17.88, 8.09, 20.85, 3.52, 13.47],
    ),
  ],
};

const variant = (label: string, parameters: number, teraFlops: number, [train, c4, average]: number[]): PaperModel => ({
  label,
  detail: `${parameters.toFixed(1)} M, ${teraFlops.toFixed(2)} TFLOP a sequence`,
  accuracy: { moda_paper: average },
  perplexity: { 'Training set': train, C4: c4 },
});

const TABLE_3: PaperTable = {
  id: 'table-3',
  title: 'Table 3: what each projection adds',
  models: [
    variant('OLMo 2, 36 blocks', 669.0, 8.01, [14.49, 18.59, 56.93]),
    variant('OLMo 2, 38 blocks', 700.5, 8.41, [14.27, 18.31, 57.11]),
    variant('+ depth KV', 669.0, 8.02, [14.08, 18.48, 58.1]),
    variant('+ FFN KV', 705.7, 8.33, [13.9, 18.21, 58.87]),
    variant('+ attention KV', 742.4, 8.63, [13.83, 18.17, 58.97]),
  ],
};

const study = (label: string, parameters: number, gigaFlops: number, loss: number): PaperModel => ({
  label,
  detail: `${parameters.toFixed(2)} M, ${gigaFlops.toFixed(2)} GFLOP a sequence`,
  loss: { 'FineWeb-Edu': loss },
});

const TABLE_6: PaperTable = {
  id: 'table-6',
  title: 'Table 6: layers and norms',
  models: [
    study('48 pre, OLMo 2', 123.38, 136.61, 3.38),
    study('48 post, OLMo 2', 123.38, 136.61, 3.4062),
    study('48 pre, + depth KV', 123.38, 137.89, 3.3759),
    study('48 post, + depth KV', 123.38, 137.89, 3.3653),
    study('48 pre, + FFN KV', 128.11, 144.0, 3.3656),
    study('48 post, + FFN KV', 128.11, 144.0, 3.3484),
    study('24 post, OLMo 2', 71.35, 78.19, 3.474),
    study('24 post, + depth KV', 71.35, 78.51, 3.4537),
    study('24 post, + FFN KV', 73.72, 81.24, 3.4338),
  ],
};

/** The paper's Tables 3 to 6. */
export const PAPER_TABLES: readonly PaperTable[] = [TABLES_4_AND_5, TABLE_3, TABLE_6];
