import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleProgram } from '@modajs/build/bundle-program';
import { expect, it } from 'vitest';
import { COLLECTIVE_CLAIMS } from '../../../test/collective-contract.ts';

const at = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const program = at('.test-build/local-ranks.js');

it('processes of one machine are a collective, and notice one that is killed', async () => {
  await bundleProgram(at('test/local-ranks.ts'), program);
  const { status, stdout, stderr } = spawnSync(process.execPath, [program], { encoding: 'utf8' });
  rmSync(program);
  const results = new Map(
    stdout
      .trim()
      .split('\n')
      .map((line) => {
        const { rank, name, values } = JSON.parse(line);
        return [`${rank} ${name}`, values];
      }),
  );
  for (const [name, { expected }] of Object.entries(COLLECTIVE_CLAIMS)) {
    for (const rank of [0, 1]) {
      const wanted = expected(rank, 2);
      expect(results.get(`${rank} ${name}`)).toEqual(typeof wanted === 'boolean' ? wanted : wanted.map(String));
    }
  }
  expect(results.get('0 after the kill')).toContain('rank 1 is gone, and rank 0 waited for it');
  expect(stderr).toContain('ranks: rank 1 of 2 was ended by SIGKILL.');
  // Rank 0's exit code.
  expect(status).toBe(3);
}, 60_000);
