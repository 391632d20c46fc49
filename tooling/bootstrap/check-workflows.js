/** Fails when a GitHub workflow is not one: unknown keys, missing steps, wrong types. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { validateWorkflow } from '@action-validator/core';
import { ROOT } from './pnpm.js';

const folder = join(ROOT, '.github/workflows');
const files = readdirSync(folder);
for (const file of files) {
  const { errors } = validateWorkflow(readFileSync(join(folder, file), 'utf8'));
  if (errors.length === 0) continue;
  console.error(`workflows: .github/workflows/${file} must be a GitHub workflow:\n${JSON.stringify(errors, null, 2)}`);
  process.exitCode = 1;
}
console.log(`workflows: ${files.length} files`);
