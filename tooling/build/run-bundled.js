/**
 * Bundles a program of this workspace from its TypeScript sources, shaders put together, and runs it:
 *   node run-bundled.js <entry.ts> <outfile.mjs> [arguments]
 * The outfile lies where Node finds the packages that stay outside the bundle (webgpu, koffi).
 */
import { spawnSync } from 'node:child_process';
import { bundleProgram } from './bundle-program.js';

const [entry, outfile, ...more] = process.argv.slice(2);
await bundleProgram(entry, outfile);
process.exitCode = spawnSync(process.execPath, [outfile, ...more], { stdio: 'inherit' }).status ?? 1;
