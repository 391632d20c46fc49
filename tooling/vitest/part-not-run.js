import { TestRunner } from 'vitest';

/**
 * Says that the running test leaves out a part, as its rounds in f16, for the adapter lacks something; `npm test` lists it.
 *
 * @param {string} need as in `MODA_ADAPTER_LACKS`: `f16`
 */
export function partNotRun(need) {
  TestRunner.getCurrentTest().meta.partNotRun = need;
}
