import { BINARY_OPERATORS, TERNARY_OPERATORS, UNARY_OPERATORS } from '@modajs/kernels';
import { describe, expect, it } from 'vitest';
import { createReferenceBackend } from '../backends/reference/reference-backend.ts';
import { Device } from '../core/device.ts';
import { checkOperator } from './check-operator.ts';
import { operatorCases } from './operator-cases.ts';

/** Operators whose cases are elsewhere, with where. */
const ELSEWHERE = {
  floor: 'the oracle of PyTorch',
  multiplyAdd: 'kernels: elementwise.gpu.test.ts; cpu: elementwise.test.ts',
};

describe('operator cases', () => {
  it('run every elementwise operator that the devices have, so that each is held to f64 on each', async () => {
    const backend = createReferenceBackend();
    const called = new Set<string>();
    for (const family of ['unary', 'binary', 'ternary'] as const) {
      const run = backend[family].bind(backend) as (op: string, ...rest: unknown[]) => void;
      Object.assign(backend, {
        [family]: (op: string, ...rest: unknown[]) => {
          called.add(op);
          run(op, ...rest);
        },
      });
    }
    const device = new Device(backend);
    const { elementwise, reductions, normalization, loss } = operatorCases;
    for (const operator of [...elementwise, ...reductions, ...normalization, ...loss]) {
      await checkOperator(operator, device, operator.dtypes?.[0] ?? 'f32');
    }
    const all: readonly string[] = [...UNARY_OPERATORS, ...BINARY_OPERATORS, ...TERNARY_OPERATORS];
    expect(all.filter((op) => !called.has(op) && !Object.hasOwn(ELSEWHERE, op))).toEqual([]);
    expect([...called].filter((op) => !all.includes(op) || Object.hasOwn(ELSEWHERE, op))).toEqual([]);
  });
});
