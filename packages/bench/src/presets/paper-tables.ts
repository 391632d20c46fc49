/** One row of Table 2 of arXiv 2603.15619: A100, bf16, forward and backward, B = 1, D = 64, milliseconds. */
export interface Table2Row {
  readonly T: number;
  readonly G: number;
  readonly H: number;
  readonly Hkv: number;
  readonly L: number;
  readonly fa2Ms: number;
  readonly modaMs: number;
  /** `(MoDA - FA2) / MoDA` as printed. */
  readonly extraTime: number;
}

const row = (T: number, G: number, L: number, fa2Ms: number, modaMs: number, extraPercent: number): Table2Row => ({
  T,
  G,
  H: 8 * G,
  Hkv: 8,
  L,
  fa2Ms,
  modaMs,
  extraTime: extraPercent / 100,
});

/** Table 2, all rows, in its order. */
export const TABLE_2: readonly Table2Row[] = [
  row(4096, 8, 64, 7.97, 10.75, 25.86),
  row(8192, 8, 64, 28.7, 35.427, 18.99),
  row(16384, 8, 64, 116.7, 127.661, 8.59),
  row(32768, 8, 64, 459.854, 480.914, 4.38),
  row(65536, 8, 64, 1831.668, 1883.026, 2.73),
  row(16384, 2, 64, 28.982, 39.741, 27.07),
  row(16384, 4, 64, 58.071, 68.939, 15.76),
  row(16384, 16, 64, 233.7, 244.9, 4.57),
  row(16384, 32, 64, 467.107, 480.767, 2.84),
  row(16384, 8, 128, 116.7, 138.224, 15.57),
  row(16384, 8, 256, 116.7, 167.958, 30.52),
];

/** Table 7: A100, T=1024 G=8 H=64 Hkv=8 D=64 L=64, forward and backward, milliseconds. */
export const TABLE_7 = { naive: 2128.9, flat: 13.1, 'chunk-range': 6.29, shipped: 1.46 } as const;

/** The authors' kernels and FlashAttention on one H100 (bf16, H=64, Hkv=8, D=64, L=64, causal), measured for this project. */
export const H100_PEERS = [
  { T: 4096, label: 'FlashAttention-2, Triton', forwardMs: 0.447, totalMs: 2.393 },
  { T: 4096, label: 'PyTorch flash', forwardMs: 0.548, totalMs: 2.152 },
  { T: 4096, label: 'cuDNN', forwardMs: 0.369, totalMs: 1.4 },
  { T: 16384, label: 'FlashAttention-2, Triton', forwardMs: 5.771, totalMs: 29.34 },
  { T: 16384, label: 'PyTorch flash', forwardMs: 7.115, totalMs: 27.02 },
  { T: 16384, label: 'cuDNN', forwardMs: 4.559, totalMs: 17.71 },
  { T: 65536, label: 'FlashAttention-2, Triton', forwardMs: 94.09, totalMs: 457.1 },
  { T: 65536, label: 'PyTorch flash', forwardMs: 110.8, totalMs: 424.9 },
  { T: 65536, label: 'cuDNN', forwardMs: 78.11, totalMs: 287 },
] as const;

/** The authors' MoDA forward with 64 slots on the same card; their backward with depth does not compile there. */
export const H100_AUTHORS_MODA_FORWARD = { 4096: 0.709, 16384: 6.905, 65536: 104.4 } as const;
