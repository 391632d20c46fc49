import { expect, it } from 'vitest';
import { ConfigError, init, rmsNormRope, rope, ropePair, ShapeError, zeros } from '../index.ts';

it('rotations by frequencies want one finite number for each pair', async () => {
  const device = await init({ device: 'reference' });
  const x = zeros([1, 2, 3, 4], { device });
  const positions = zeros([1, 2], { dtype: 'i32', device });
  const calls = (frequencies: number[]) => [
    () => rope(x, positions, { frequencies }),
    () => ropePair(x, x, positions, { frequencies }),
    () => rmsNormRope(x, null, positions, { frequencies }),
  ];
  for (const call of calls([1])) expect(call).toThrow(ShapeError);
  for (const call of calls([1, Number.NaN])) expect(call).toThrow(ConfigError);
  for (const call of calls([1, 0.5])) expect(call).not.toThrow();
  device.destroy();
});
