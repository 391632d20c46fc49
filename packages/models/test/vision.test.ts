import { AdamW, backward, ConfigError, type Device, init, noGrad, ShapeError, scope, tensor } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createVisionModel, defineVisionConfig, deitTinyModa, visionSpecs } from '../src/index.ts';
import { visionByHand } from './vision-by-hand.ts';

const config = defineVisionConfig({
  ...deitTinyModa,
  imageSize: 6,
  patchSize: 3,
  nClasses: 3,
  nLayers: 3,
  dModel: 20,
  dFf: 11,
});

/** Images of one bright row, column or diagonal: three classes that a model can tell apart. */
function stripes(count: number) {
  const labels = Int32Array.from({ length: count }, (_, n) => n % 3);
  const pixels = new Float32Array(count * 3 * 36);
  labels.forEach((label, n) => {
    for (let c = 0; c < 3; c++)
      for (let i = 0; i < 6; i++) {
        const place = (n + c) % 6;
        const [row, column] = label === 0 ? [place, i] : label === 1 ? [i, place] : [i, (i + place) % 6];
        pixels[((n * 3 + c) * 6 + row) * 6 + column] = 1;
      }
  });
  return { images: tensor(pixels, { shape: [count, 3, 6, 6] }), labels: tensor(labels) };
}

describe('vision model [reference]', () => {
  let device: Device;
  beforeAll(async () => {
    device = await init({ device: 'reference' });
  });
  afterAll(() => device.destroy());

  it('matches a forward pass computed by hand', async () => {
    using model = createVisionModel(config, { seed: 2 });
    for (const [n, parameter] of Object.values(model.parameters()).entries()) {
      const values = Float64Array.from(await parameter.data(), (x, i) => 3 * x + 0.2 * Math.sin(3 * i + n));
      device.backend.upload(parameter.storage.raw, parameter.offset, values);
    }
    const { images } = stripes(2);
    const logits = await noGrad(() => model.forward(images)).data();
    const parameters: Record<string, Float64Array> = {};
    for (const [name, parameter] of Object.entries(model.parameters())) {
      parameters[name] = Float64Array.from(await parameter.data());
    }
    const pixels = Float64Array.from(await images.data());
    const expected = [0, 1].flatMap((n) => visionByHand(config, parameters, pixels.subarray(n * 108, (n + 1) * 108)));
    logits.forEach((value, i) => {
      expect(Math.abs(value - expected[i])).toBeLessThan(1e-10);
    });
  });

  it('refuses sizes that do not divide and images of another size', () => {
    expect(() => defineVisionConfig({ ...config, imageSize: 7 })).toThrow(ConfigError);
    using model = createVisionModel(config);
    expect(() => model.forward(tensor(new Float32Array(75), { shape: [1, 3, 5, 5] }))).toThrow(ShapeError);
  });
});

describe('vision model [cpu]', () => {
  it('learns to tell stripes apart', async () => {
    using device = await init({ device: 'cpu' });
    using model = createVisionModel(config, { seed: 1, device });
    const optimizer = new AdamW(model.parameters(), { lr: 1e-2, weightDecay: 0 });
    const losses: number[] = [];
    for (let step = 0; step < 30; step++) {
      using _ = scope();
      const { images, labels } = stripes(18);
      const loss = model.loss(images, labels);
      backward(loss);
      optimizer.step();
      optimizer.zeroGrad();
      losses.push(await loss.item());
    }
    expect(losses[0]).toBeGreaterThan(1);
    expect(losses.at(-1)).toBeLessThan(0.3 * losses[0]);
  });

  it('DeiT-Tiny with MoDA builds at full size and sees an image', async () => {
    using device = await init({ device: 'cpu' });
    using model = createVisionModel(deitTinyModa, { device });
    expect(model.positions).toBe(197);
    const image = tensor(
      new Float32Array(3 * 224 * 224).map((_, i) => Math.sin(i)),
      { shape: [1, 3, 224, 224] },
    );
    const logits = await noGrad(() => model.forward(image)).data();
    expect(logits).toHaveLength(1000);
    expect(logits.every((x) => Number.isFinite(x))).toBe(true);
    const count = Object.values(visionSpecs(deitTinyModa)).reduce(
      (sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1),
      0,
    );
    expect(count / 1e6).toBeCloseTo(9.1, 0);
  });
});
