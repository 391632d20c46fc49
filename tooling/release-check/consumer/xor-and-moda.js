// What a consumer's program does in every cell of the matrix: train XOR, then one MoDA forward pass whose result must be right.
import { DepthStream, moda } from '@modajs/moda';
import {
  AdamW,
  add,
  asParameter,
  backward,
  init,
  matmul,
  mean,
  randomNormal,
  square,
  sub,
  tanh,
  tensor,
  tidy,
} from '@modajs/tensor';

/**
 * @param {string} kind `cpu`, `webgpu` or `auto`
 * @returns {Promise<string>} what it found
 * @throws {Error} when XOR is not learned or MoDA gives a wrong mean over equal keys
 */
export async function xorAndModa(kind) {
  const device = await init({ device: kind });
  const x = tensor([
    [0, 0],
    [0, 1],
    [1, 0],
    [1, 1],
  ]);
  const y = tensor([[0], [1], [1], [0]]);
  const weights = {
    w1: asParameter(randomNormal([2, 8], { seed: 1 })),
    b1: asParameter(tensor([0, 0, 0, 0, 0, 0, 0, 0])),
    w2: asParameter(randomNormal([8, 1], { seed: 2 })),
    b2: asParameter(tensor([0])),
  };
  const optimizer = new AdamW(weights, { lr: 0.05, weightDecay: 0 });
  const predict = () => add(matmul(tanh(add(matmul(x, weights.w1), weights.b1)), weights.w2), weights.b2);
  for (let step = 0; step < 300; step++) {
    tidy(() => backward(mean(square(sub(predict(), y)))));
    optimizer.step();
    optimizer.zeroGrad();
    device.endStep();
  }
  const learned = Array.from(await predict().data());
  if (!learned.every((value, index) => Math.abs(value - [0, 1, 1, 0][index]) < 0.1))
    throw new Error(`xor: 0 1 1 0 must be learned, got ${learned}`);

  // Scores of zero weigh every visible key alike: query t sees t + 1 keys of the sequence and two slots.
  const [B, T, H, Hkv, D] = [1, 3, 2, 1, 4];
  const q = tensor(new Float32Array(B * T * H * D), { shape: [B, T, H, D] });
  const zeros = tensor(new Float32Array(B * T * Hkv * D), { shape: [B, T, Hkv, D] });
  const ones = tensor(new Float32Array(B * T * Hkv * D).fill(1), { shape: [B, T, Hkv, D] });
  const stream = new DepthStream({ slots: 2, B, T, Hkv, D });
  stream.write(zeros, ones);
  stream.write(zeros, ones);
  const out = await moda(q, zeros, zeros, stream.read()).out.data();
  for (let t = 0; t < T; t++) {
    const [found, wanted] = [out[t * H * D], 2 / (t + 3)];
    if (!(Math.abs(found - wanted) < 1e-4)) throw new Error(`moda: position ${t} must give ${wanted}, got ${found}`);
  }
  const name = String(device);
  device.destroy();
  return `${name}: XOR learned, MoDA right`;
}
