import { init } from '@modajs/tensor';
import { expect, it } from 'vitest';
import { smallDecoderRun } from '../../test/small-decoder-run.ts';
import { unhandledRejections } from '../../test/unhandled-rejections.ts';

it('TrainingRun > an evaluation that throws ends the run with its error, and steps in flight on a destroyed device with nothing [webgpu]', async () => {
  let settled = 0;
  let inFlight = 0;
  const reasons = await unhandledRejections(async () => {
    const device = await init({ device: 'webgpu' });
    const failing = smallDecoderRun(
      device,
      { steps: 9 },
      {
        settings: { evaluation: { every: 5 } },
        listener: (event) => {
          if (event.kind === 'step') settled = event.row.step;
        },
        inspect: async (_, step) => {
          inFlight = step - settled;
          throw new Error('the evaluation failed');
        },
      },
    );
    await expect(failing.finally(() => device.destroy())).rejects.toThrow('the evaluation failed');
  });
  expect(inFlight).toBe(2);
  expect(reasons).toEqual([]);
}, 400_000);
