import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Device } from '../core/device.ts';
import type { FloatDType } from '../core/dtype.ts';
import { type InitOptions, init } from '../init.ts';
import { checkOperator } from './check-operator.ts';
import { operatorCases } from './operator-cases.ts';

/** Declares one test per operator case and dtype on a device. `shortFloats`: those beside f32 that the device stores. */
export function describeOperatorGrid(
  label: string,
  options: InitOptions,
  shortFloats: readonly FloatDType[] = ['f16'],
): void {
  let device: Device;
  beforeAll(async () => {
    device = await init(options);
  });
  afterAll(() => device.destroy());

  for (const [family, cases] of Object.entries(operatorCases)) {
    describe(family, () => {
      for (const operator of cases) {
        for (const dtype of operator.dtypes ?? (['f32', ...shortFloats] as const)) {
          it(`${operator.name} equals f64, forward and backward [${label} ${dtype}]`, async () => {
            const report = await checkOperator(operator, device, dtype);
            expect(report.message).toBe('');
          });
        }
      }
    });
  }
}
