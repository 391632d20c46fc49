import { expect, it } from 'vitest';
import { asParameter, backward } from '../../core/autograd.ts';
import { tidy } from '../../core/scope.ts';
import { init } from '../../init.ts';
import { attentionPrimitive } from '../../ops/attention.ts';
import { randomNormal } from '../../ops/creation.ts';
import { matmul } from '../../ops/matmul.ts';
import { rmsNorm } from '../../ops/normalization.ts';
import { mean } from '../../ops/reductions.ts';
import { square } from '../../ops/unary.ts';
import { reshape } from '../../ops/views.ts';
import { AdamW } from '../../optim/adamw.ts';

it('a training step takes no fresh memory after the first, workspaces included [cpu]', async () => {
  const device = await init({ device: 'cpu', threads: 2 });
  const [B, T, H, D] = [2, 67, 3, 7];
  const C = H * D;
  const params = Object.fromEntries(
    ['q', 'k', 'v'].map((name, i) => [name, asParameter(randomNormal([C, C], { seed: i, std: 0.1 }))]),
  );
  const optimiser = new AdamW(params, { lr: 1e-3 });
  const step = async (): Promise<number> => {
    const loss = tidy(() => {
      const x = rmsNorm(randomNormal([B, T, C], { seed: 9 }), null);
      const [q, k, v] = ['q', 'k', 'v'].map((name) => reshape(matmul(x, params[name]), [B, T, H, D]));
      const value = mean(square(attentionPrimitive({ q, k, v, causal: true }).out));
      backward(value);
      return value;
    });
    optimiser.step();
    optimiser.zeroGrad();
    device.endStep();
    const host = await loss.item();
    loss.dispose();
    return host;
  };
  const losses = [await step(), await step()];
  const { allocations, liveBytes, peakLiveBytes } = device.memory();
  for (let i = 0; i < 4; i++) losses.push(await step());
  expect(device.memory()).toMatchObject({ allocations, liveBytes, peakLiveBytes });
  expect(losses.every((loss, i) => i === 0 || loss < losses[i - 1])).toBe(true);
  device.destroy();
});
