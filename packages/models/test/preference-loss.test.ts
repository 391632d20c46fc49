import { backward, Device, init, log, mul, noGrad, sigmoid, sub, type Tensor, tidy } from '@modajs/tensor';
import { createReferenceBackend } from '@modajs/tensor/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDecoder, type Decoder, type DecoderConfig, hostParameters } from '../src/index.ts';
import { shakeParameters } from './shake-parameters.ts';
import { smallConfigs } from './small-configs.ts';
import { batch, type Gradients, gradientErrors, takeGradients, tokensOfBatch } from './two-passes.ts';

const beta = 0.3;

type Batch = ReturnType<typeof batch>;

/** Log-probability of a batch's targets. */
function logProb(model: Decoder, { x, y }: Batch): Tensor {
  return mul(model.loss(x, y), -tokensOfBatch);
}

/** `-log sigmoid(beta (chosen - rejected))`, of log-probabilities over those of the frozen model. Rafailov et al. 2023, eq. 7. */
function preferenceLoss(policy: Decoder, frozen: Decoder, chosen: Batch, rejected: Batch): Tensor {
  // In turns, so that each model's second pass begins while graphs of its first are alive.
  const ratios = [chosen, rejected].map((rows) => {
    const own = logProb(policy, rows);
    return sub(
      own,
      noGrad(() => logProb(frozen, rows)),
    );
  });
  const [better, worse] = ratios as [Tensor, Tensor];
  return mul(log(sigmoid(mul(sub(better, worse), beta))), -1);
}

/** Loss and gradients by hand: with one pass at a time alive, and the chain rule of the logistic loss in plain numbers. */
async function byHand(policy: Decoder, frozen: Decoder, chosen: Batch, rejected: Batch) {
  const alone = async (model: Decoder, rows: Batch): Promise<{ logProb: number; gradients: Gradients }> => {
    const loss = tidy(() => {
      const found = logProb(model, rows);
      backward(found);
      return found.detach();
    });
    const value = await loss.item();
    loss.dispose();
    return { logProb: value, gradients: await takeGradients(model) };
  };
  const [better, worse] = [await alone(policy, chosen), await alone(policy, rejected)];
  const [frozenBetter, frozenWorse] = [await alone(frozen, chosen), await alone(frozen, rejected)];
  const margin = beta * (better.logProb - frozenBetter.logProb - (worse.logProb - frozenWorse.logProb));
  const slope = -beta / (1 + Math.exp(margin));
  const gradients = new Map(
    [...better.gradients].map(([name, values]) => [
      name,
      values.map((x, i) => slope * (x - worse.gradients.get(name)![i])),
    ]),
  );
  return { loss: Math.log1p(Math.exp(-margin)), gradients };
}

/** A policy, and the frozen model that it began as, moved apart. */
async function models(config: DecoderConfig, device: Device, exact: Device): Promise<[Decoder, Decoder]> {
  const [policy, frozen] = [createDecoder(config, { seed: 5, device }), createDecoder(config, { seed: 6, device })];
  for (const [model, seed] of [
    [policy, 5],
    [frozen, 6],
  ] as const) {
    using source = createDecoder(config, { seed, device: exact });
    await shakeParameters(source);
    model.loadParameters(await hostParameters(source));
  }
  return [policy, frozen];
}

/** What the graph of the whole loss gives on a device. */
async function byGraph(config: DecoderConfig, device: Device, exact: Device) {
  const [policy, frozen] = await models(config, device, exact);
  const [chosen, rejected] = [batch(3, device), batch(8, device)];
  const step = (): Tensor =>
    tidy(() => {
      const found = preferenceLoss(policy, frozen, chosen, rejected);
      backward(found);
      return found.detach();
    });
  const first = step();
  const loss = await first.item();
  first.dispose();
  const gradients = await takeGradients(policy);
  for (const parameter of Object.values(frozen.parameters())) expect(parameter.grad).toBeNull();
  const { liveBytes } = device.memory();
  step().dispose();
  await takeGradients(policy);
  expect(device.memory().liveBytes).toBe(liveBytes);
  for (const owned of [policy, frozen, ...Object.values(chosen), ...Object.values(rejected)]) owned.dispose();
  return { loss, gradients };
}

describe('a preference loss over a frozen model', () => {
  const exact = new Device(createReferenceBackend());
  const naive = new Device(createReferenceBackend({ round: 'f32' }));
  let cpu: Device;
  beforeAll(async () => {
    cpu = await init({ device: 'cpu' });
  });
  afterAll(() => cpu.destroy());

  it.each(Object.entries(smallConfigs))(
    'has the gradients of each pass alone [reference, cpu]: %s',
    async (_, config) => {
      const [policy, frozen] = await models(config, exact, exact);
      const wanted = await byHand(policy, frozen, batch(3, exact), batch(8, exact));
      for (const model of [policy, frozen]) model.dispose();
      const [inF64, inF32, onCpu] = [
        await byGraph(config, exact, exact),
        await byGraph(config, naive, exact),
        await byGraph(config, cpu, exact),
      ];
      expect(Math.abs(inF64.loss - wanted.loss)).toBeLessThan(1e-11);
      for (const [name, error] of gradientErrors(inF64.gradients, wanted.gradients))
        expect(error, name).toBeLessThan(1e-10);
      expect(Math.abs(onCpu.loss - wanted.loss)).toBeLessThan(2 * Math.abs(inF32.loss - wanted.loss) + 1e-5);
      const naiveErrors = gradientErrors(inF32.gradients, wanted.gradients);
      for (const [name, error] of gradientErrors(onCpu.gradients, wanted.gradients)) {
        expect(error, name).toBeLessThan(2 * naiveErrors.get(name)! + 1e-5);
      }
    },
  );
});
