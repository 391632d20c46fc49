import type { CallTable } from './call.ts';
import type { Exempt } from './check-calls.ts';
import { coreCalls, gradientCalls } from './core-calls.ts';
import { depthCalls } from './depth-calls.ts';
import { elementwiseCalls, integerCalls } from './elementwise-calls.ts';
import { fileCalls } from './file-calls.ts';
import { networkCalls } from './network-calls.ts';
import { shapeCalls } from './shape-calls.ts';

/** Every export of `@modajs/tensor`. */
export const tensorCalls: CallTable = {
  ...elementwiseCalls,
  ...shapeCalls,
  ...networkCalls,
  ...coreCalls,
  ...depthCalls,
  ...fileCalls,
};

/** The same functions called in another way. */
export const moreTensorCalls: CallTable = { ...integerCalls, ...gradientCalls };

const HOST_NUMBERS = 'a function of numbers on the host, called for each element; the compiler checks it';

export const tensorExempt: Exempt = {
  SAFETENSORS_BYTES: 'a constant',
  ...Object.fromEntries(
    [
      ...['defaultDevice', 'scope', 'Device.memory', 'Device.synchronize', 'Device.endStep', 'Device.destroy'],
      ...['Device.toString', 'Tensor.detach', 'Tensor.data', 'Tensor.item', 'Tensor.dispose', 'Tensor.toString'],
      ...['Tensor.print', 'Tensor.markSaved', 'Tensor.markOverwritten', 'showTensorsInDevtools'],
      ...[
        'AdamW.zeroGrad',
        'AdamW.state',
        'AdamW.dispose',
        'QuantizedMatrix.dispose',
        'ParameterCopies.refresh',
        'ParameterCopies.dispose',
      ],
    ].map((name) => [name, 'takes no arguments']),
  ),
  ...Object.fromEntries(
    ['Device', 'Device.requireOpen', 'Tensor', 'Tensor.alias'].map((name) => [
      name,
      'made or called by this package alone',
    ]),
  ),
  elementBytes: HOST_NUMBERS,
  fromHalf: HOST_NUMBERS,
  toHalf: HOST_NUMBERS,
  philox: HOST_NUMBERS,
  uniformAt: HOST_NUMBERS,
  normalAt: HOST_NUMBERS,
  'AdamW.update': 'called by `step` with what it has checked',
  editDistance: 'a function of two strings',
  nearestKey: 'a function of strings',
  hasDecay: 'asked by optimisers about parameters that they have checked',
  unknownName: 'makes the error for an unknown name',
  shown: 'takes any value',
};
