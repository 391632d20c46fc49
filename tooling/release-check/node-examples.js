import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { transformSync } from 'esbuild';

/** Runs the commands and every README example in `project`, which has the packages installed. */
export function checkNodeExamples(project, packages) {
  for (const { name, manifest, examples } of packages) {
    for (const command of Object.keys(manifest.bin ?? {})) {
      execFileSync('npx', ['--no-install', command, '--help'], {
        cwd: project,
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      console.log(`release-check: ${name} installs the command ${command}`);
    }
    if (examples.length === 0 && manifest.exports?.['.'])
      throw new Error(`release-check: the README of ${name} must have a runnable \`\`\`ts example; it has none.`);
    for (const [index, { code }] of examples.entries()) {
      const file = join(project, `${name.split('/')[1]}-${index}.mjs`);
      writeFileSync(file, transformSync(code, { loader: 'ts', format: 'esm', target: 'node20' }).code);
      execFileSync(process.execPath, [file], {
        cwd: project,
        stdio: ['ignore', 'ignore', 'inherit'],
        timeout: 300_000,
      });
      console.log(`release-check: ${name} example ${index + 1} runs in Node`);
    }
  }
}
