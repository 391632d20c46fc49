import { type Device, type DType, elementBytes, empty, randomNormal, scope } from '@modajs/tensor';
import type { ProductCall } from '../src/decode/decode-program.ts';
import { openDecodeProgram } from '../src/decode/open-decode-program.ts';

type Config = NonNullable<ProductCall['config']>;

/** How fast one product of a block reads its weights. */
export interface ProductBandwidth {
  readonly name: string;
  /** Rows of all weights together, and their length. */
  readonly N: number;
  readonly K: number;
  readonly config: Config;
  readonly timeUs: number;
  readonly bytesPerSecond: number;
}

interface Shape {
  readonly name: string;
  readonly rows: readonly number[];
  readonly K: number;
  readonly kind: 'plain' | 'norm';
}

/** The products of the 700M models. */
const shapes: readonly Shape[] = [
  { name: 'q, k, v', rows: [1024, 512, 512], K: 1024, kind: 'norm' },
  { name: 'output', rows: [1024], K: 1024, kind: 'plain' },
  { name: 'gate, up', rows: [4096, 4096], K: 1024, kind: 'norm' },
  { name: 'gate, up, slot', rows: [4096, 4096, 1024], K: 1024, kind: 'norm' },
  { name: 'down', rows: [1024], K: 4096, kind: 'plain' },
  { name: 'logits', rows: [100_278], K: 1024, kind: 'norm' },
];

/** Enough weights that no cache holds them. */
const WORKING_SET = 2 ** 29;

/** Configurations for `tune`. */
function* candidates(isPaired: boolean): Iterable<Config> {
  for (const threads of [128, 256] as const) {
    for (const steps of [2, 4, 8]) {
      for (const columns of isPaired ? [2 as const] : ([1, 2, 4] as const)) {
        for (const maxWorkgroups of [132, 264, 528, 1056, 4224]) yield { threads, steps, columns, maxWorkgroups };
      }
    }
  }
}

/** Times products one after another, each on weights of its own; `configs` share the weights. */
async function measure(
  device: Device,
  shape: Shape,
  dtype: DType,
  configs: readonly Config[],
): Promise<ProductBandwidth[]> {
  using _ = scope();
  const isSoftware = device.description.includes('llvmpipe');
  const { name, K, kind } = shape;
  const rows = shape.rows.map((n) => (isSoftware ? Math.ceil(n / 32) : n));
  const N = rows.reduce((sum, n) => sum + n, 0);
  const bytes = N * K * elementBytes(dtype);
  const count = isSoftware ? 2 : Math.max(4, Math.ceil(WORKING_SET / bytes));
  const [x, y, vectors, out, carry] = [K, K, 2 * K, N, K].map((n) => randomNormal([n], { device, seed: 1 }));
  const input: ProductCall['input'] =
    kind === 'plain'
      ? { kind }
      : { kind: 'residual', hasY: true, normOf: 'sum', norm: 0, inputNorm: null, hasCarry: true, eps: 1e-6 };
  const sets = Array.from({ length: count }, () => {
    let start = 0;
    return rows.map((n) => {
      const weight = { weight: empty([n, K], { dtype, device }), out: start, bias: null };
      device.backend.fill(weight.weight.view, 0.01);
      start += n;
      return weight;
    });
  });
  const isPaired = rows.length > 1 && rows[0] === rows[1];
  const results: ProductBandwidth[] = [];
  for (const config of configs) {
    const program = openDecodeProgram(device)!;
    for (const weights of sets) {
      program.product({ input, x, y: kind === 'norm' ? y : null, vectors, weights, isPaired, out, carry, config });
    }
    using sequence = program.prepare();
    const timeUs = await fastest(device, sequence, isSoftware ? 1 : 3);
    results.push({ name, N, K, config, timeUs, bytesPerSecond: bytes / (timeUs / 1e6) });
  }
  return results;
}

/** Microseconds of one dispatch: the best of five runs. */
async function fastest(device: Device, sequence: { replay(): void; length: number }, repeats: number): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 5; round++) {
    await device.synchronize();
    const start = performance.now();
    for (let i = 0; i < repeats; i++) {
      sequence.replay();
      device.endStep();
    }
    await device.synchronize();
    best = Math.min(best, ((performance.now() - start) * 1000) / (repeats * sequence.length));
  }
  return best;
}

/** The products of the 700M models, back to back on weights that no cache holds. WebGPU only. */
export async function productBandwidths(device: Device, dtype: DType): Promise<ProductBandwidth[]> {
  const results: ProductBandwidth[] = [];
  for (const shape of shapes) results.push(...(await measure(device, shape, dtype, [{}])));
  return results;
}

/** The three fastest configurations of each product. */
export async function tuneProducts(device: Device, dtype: DType): Promise<ProductBandwidth[]> {
  const results: ProductBandwidth[] = [];
  for (const shape of shapes) {
    const isPaired = shape.rows[0] === shape.rows[1];
    const measured = await measure(device, shape, dtype, [{}, ...candidates(isPaired)]);
    results.push(...measured.sort((a, b) => a.timeUs - b.timeUs).slice(0, 3));
  }
  return results;
}
