import {
  type Device,
  type DType,
  empty,
  openDecodeProgram,
  type ProductCall,
  randomNormal,
  scope,
} from '@modajs/tensor';

/** How fast one product of a block reads its weights. */
export interface ProductBandwidth {
  readonly name: string;
  /** Rows of all weights together, and their length. */
  readonly N: number;
  readonly K: number;
  readonly timeUs: number;
  readonly bytesPerSecond: number;
}

/** Enough weights that no cache holds them. */
const WORKING_SET = 2 ** 29;

async function measure(device: Device, name: string, rows: number[], K: number, dtype: DType, kind: 'plain' | 'norm') {
  using _ = scope();
  const program = openDecodeProgram(device)!;
  const N = rows.reduce((sum, n) => sum + n, 0);
  const bytes = N * K * (dtype === 'f16' ? 2 : 4);
  const count = Math.max(2, Math.ceil((device.description.includes('llvmpipe') ? 2 ** 22 : WORKING_SET) / bytes));
  const [x, y, vectors, out, carry] = [K, K, 2 * K, N, K].map((n) => randomNormal([n], { device, seed: 1 }));
  const input: ProductCall['input'] =
    kind === 'plain'
      ? { kind }
      : { kind: 'residual', hasY: true, normOf: 'sum', norm: 0, inputNorm: null, hasCarry: true, eps: 1e-6 };
  for (let i = 0; i < count; i++) {
    let start = 0;
    const weights = rows.map((n) => {
      const weight = { weight: empty([n, K], { dtype, device }), out: start, bias: null };
      device.backend.fill(weight.weight.view, 0.01);
      start += n;
      return weight;
    });
    const isPaired = rows.length > 1 && rows[0] === rows[1];
    program.product({ input, x, y: kind === 'norm' ? y : null, vectors, weights, isPaired, out, carry });
  }
  using sequence = program.capture();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 6; round++) {
    await device.synchronize();
    const start = performance.now();
    const repeats = device.description.includes('llvmpipe') ? 1 : 8;
    for (let i = 0; i < repeats; i++) {
      sequence.replay();
      device.endStep();
    }
    await device.synchronize();
    best = Math.min(best, ((performance.now() - start) * 1000) / (repeats * sequence.length));
  }
  return { name, N, K, timeUs: best, bytesPerSecond: bytes / (best / 1e6) };
}

/** The products of the 700M models, back to back on weights that no cache holds. WebGPU only. */
export async function productBandwidths(device: Device, dtype: DType): Promise<ProductBandwidth[]> {
  const small = device.description.includes('llvmpipe') ? 8 : 1;
  const shapes: [string, number[], number, 'plain' | 'norm'][] = [
    ['q, k, v', [1024, 512, 512], 1024, 'norm'],
    ['output', [1024], 1024, 'plain'],
    ['gate, up', [4096, 4096], 1024, 'norm'],
    ['gate, up, slot', [4096, 4096, 1024], 1024, 'norm'],
    ['down', [1024], 4096, 'plain'],
    ['logits', [100_278], 1024, 'norm'],
  ];
  const results: ProductBandwidth[] = [];
  for (const [name, rows, K, kind] of shapes) {
    results.push(
      await measure(
        device,
        name,
        rows.map((n) => Math.ceil(n / small)),
        K,
        dtype,
        kind,
      ),
    );
  }
  return results;
}
