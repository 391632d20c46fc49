import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../core/device.ts';
import { type InitOptions, init } from '../init.ts';
import { checkOperator } from './check-operator.ts';
import { operatorCases } from './operator-cases.ts';

/** Declares one test per operator case and dtype on a device. */
export function describeOperatorGrid(label: string, options: InitOptions): void {
  let device: Device;
  beforeAll(async () => {
    device = await init(options);
  });
  afterAll(() => device.destroy());

  for (const [family, cases] of Object.entries(operatorCases)) {
    describe(family, () => {
      for (const operator of cases) {
        for (const dtype of operator.dtypes ?? (['f32', 'f16'] as const)) {
          it(`${operator.name} equals f64, forward and backward [${label} ${dtype}]`, async () => {
            const report = await checkOperator(operator, device, dtype);
            expect(report.message).toBe('');
          });
        }
      }
    });
  }
}
