import { createReferenceBackend } from '../../src/backends/reference/reference-backend.ts';
import { Device } from '../../src/core/device.ts';
import { scope } from '../../src/core/scope.ts';
import type { OracleCase } from './cases.ts';
import { digestOf } from './digest.ts';
import { readTogether, runCase } from './run-case.ts';

/** Half a unit in the last place of f32. */
const HALF_ULP = 2 ** -24;
/** Cases whose results are read back together. */
const BATCH = 256;

type Values = readonly ArrayLike<number>[];

/** Results of cases on a device, a list of arrays a case. */
async function resultsOf(cases: readonly OracleCase[], device: Device): Promise<Values[]> {
  using _ = scope();
  const tensors = cases.map((oracle) => {
    try {
      return runCase(oracle, device);
    } catch (error) {
      throw new Error(`torch oracle: ${describe(oracle)} must run, got an error.`, { cause: error });
    }
  });
  const flat = await readTogether(tensors.flat(), device);
  let end = 0;
  return tensors.map(({ length }) => {
    end += length;
    return flat.slice(end - length, end);
  });
}

function describe({ o, p, i }: OracleCase): string {
  return `${o} ${JSON.stringify(p)} of ${JSON.stringify(i)}`;
}

/** Which result of the f64 reference is not PyTorch's, by its digest; null when all are. */
function digestMessage(oracle: OracleCase, results: Values): string | null {
  if (results.length !== oracle.e.length) return `${results.length} results, must be ${oracle.e.length}`;
  for (const [n, [numbers, classes, tolerance]] of oracle.e.entries()) {
    const own = digestOf(results[n]);
    // f64 forgives 2^-29 of what f32 does.
    const allowed = own.slack + own.slope * (tolerance ?? 0) * 2 ** -29 + 1e-11 * Math.abs(numbers) + 1e-300;
    const isClose = Math.abs(own.numbers - numbers) <= allowed;
    if (isClose && Math.abs(own.classes - classes) < 1e-9) continue;
    return `result ${n} is ${Array.from(results[n])}, digest ${own.numbers} ${own.classes}, must be ${numbers} ${classes}`;
  }
  return null;
}

/** Which element of an f32 device is not the reference's; null when all are. */
function elementMessage(oracle: OracleCase, results: Values, truth: Values): string | null {
  for (const [n, [, , tolerance]] of oracle.e.entries()) {
    if (tolerance === null) continue;
    for (let i = 0; i < truth[n].length; i++) {
      const [value, wanted] = [results[n][i], Math.fround(truth[n][i])];
      if (Object.is(value, wanted) || value === wanted || value === truth[n][i]) continue;
      if (Math.abs(value - truth[n][i]) <= tolerance + 20 * HALF_ULP * Math.abs(truth[n][i])) continue;
      return `result ${n}, element ${i} is ${value}, must be ${truth[n][i]} to ${tolerance}`;
    }
  }
  return null;
}

/** Cases of a device that differ from PyTorch: one line each. A null device checks the f64 reference itself. */
export async function failuresOf(cases: readonly OracleCase[], device: Device | null): Promise<string[]> {
  const failures: string[] = [];
  using reference = new Device(createReferenceBackend());
  for (let start = 0; start < cases.length; start += BATCH) {
    const batch = cases.slice(start, start + BATCH);
    const truth = await resultsOf(batch, reference);
    const own = device && (await resultsOf(batch, device));
    batch.forEach((oracle, n) => {
      const message = own ? elementMessage(oracle, own[n], truth[n]) : digestMessage(oracle, truth[n]);
      if (message !== null) failures.push(`${describe(oracle)}: ${message}`);
    });
  }
  return failures;
}
