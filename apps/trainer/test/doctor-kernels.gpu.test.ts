import { tmpdir } from 'node:os';
import { expect, it } from 'vitest';
import { runCli } from './run-cli.ts';

it('moda doctor checks the grid of a kernel variant against f64 and prints its worst error [webgpu]', async () => {
  const args = ['doctor', '--device', 'webgpu', '--no-adapters', '--variants', 'gemv of one column,matmul naive'];
  const { code, stdout } = await runCli(args, { cwd: tmpdir() });
  expect(stdout).toMatch(/matmul naive +\d+ +\d+ % {2}ok/);
  expect(stdout).toMatch(/2 variants, 0 cases wrong/);
  expect(code).toBe(0);
});
