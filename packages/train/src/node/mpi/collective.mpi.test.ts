import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleProgram } from '@modajs/build/bundle-program';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { COLLECTIVE_CLAIMS } from '../../../test/collective-contract.ts';

const at = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const program = at('.test-build/mpi-ranks.js');

describe.each([
  [2, 'messages'],
  [3, 'messages'],
  [2, 'shared memory'],
] as const)('MPI collective of %i processes, by %s', (size, by) => {
  const results = new Map<string, unknown>();
  beforeAll(async () => {
    await bundleProgram(at('test/mpi-ranks.ts'), program);
    const args = ['--oversubscribe', '--bind-to', 'none', '-n', String(size), process.execPath, program];
    const env = {
      ...process.env,
      OMPI_ALLOW_RUN_AS_ROOT: '1',
      OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
      MODA_SHARED_MEMORY: by === 'messages' ? '0' : '1',
    };
    for (const line of execFileSync('mpirun', args, { env, encoding: 'utf8' }).trim().split('\n')) {
      const { rank, name, values } = JSON.parse(line);
      results.set(`${rank} ${name}`, values);
    }
  });
  afterAll(() => rmSync(program));

  it.each(Object.entries(COLLECTIVE_CLAIMS))('%s', (name, { expected }) => {
    for (let rank = 0; rank < size; rank++) {
      const wanted = expected(rank, size);
      expect(results.get(`${rank} ${name}`)).toEqual(typeof wanted === 'boolean' ? wanted : wanted.map(String));
    }
  });
});
