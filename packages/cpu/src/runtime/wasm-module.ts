import { KernelError } from '@modajs/errors';
import { webAssembly } from './web-assembly.ts';

/** Which build of the kernels runs: `relaxed-simd` multiplies and adds in one instruction with one rounding. */
export type KernelBuild = 'simd' | 'relaxed-simd';

/** What the module exports; addresses are byte offsets in the shared memory. */
export interface KernelExports {
  heapBase(): number;
  useScratch(address: number): void;
  runAlone(control: number, kernel: number, tiles: number): void;
  runShared(control: number, kernel: number, tiles: number, mayBlock: number): number;
  work(control: number): void;
}

/** A function that returns `f32x4.relaxed_madd(0, 0, 0)`: valid only where relaxed SIMD exists. */
const RELAXED_PROBE = new Uint8Array([
  0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 19, 1, 17, 0, 65, 0, 253, 17, 65, 0, 253, 17, 65,
  0, 253, 17, 253, 133, 2, 11,
]);

/** Whether this engine has relaxed SIMD: Node 22 and later, current browsers. */
export function hasRelaxedSimd(): boolean {
  return webAssembly.validate(RELAXED_PROBE);
}

/** The text of a build; a page loads the one that it runs. */
async function moduleText(build: KernelBuild): Promise<string> {
  if (build === 'simd') return (await import('../generated/simd-module.ts')).SIMD_MODULE;
  return (await import('../generated/relaxed-simd-module.ts')).RELAXED_SIMD_MODULE;
}

/** Bytes of a build; `shared: false` declares the imported memory as unshared, which needs no cross-origin isolation. */
export async function moduleBytes(build: KernelBuild, shared: boolean): Promise<Uint8Array> {
  const deflated = Uint8Array.from(atob(await moduleText(build)), (letter) => letter.charCodeAt(0));
  const stream = new Blob([deflated]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
  const content = await new Response(stream).arrayBuffer().catch((cause: unknown) => {
    const message = 'cpu: the kernel module must unpack, it does not. Run `pnpm --filter @modajs/cpu generate`.';
    throw new KernelError(message, {}, { cause });
  });
  const bytes = new Uint8Array(content);
  if (!shared) bytes[memoryFlags(bytes)] = 1;
  return bytes;
}

/** Index of the limits byte of the memory import: 3 is shared with a maximum, 1 is unshared with a maximum. */
function memoryFlags(bytes: Uint8Array): number {
  const name = (text: string) => [text.length, ...[...text].map((letter) => letter.charCodeAt(0))];
  const pattern = [...name('env'), ...name('memory'), 2, 3];
  for (let i = 0; i + pattern.length <= bytes.length; i++) {
    if (pattern.every((byte, j) => bytes[i + j] === byte)) return i + pattern.length - 1;
  }
  throw new KernelError(
    'cpu: the kernel module must import a shared memory, found none. Run `pnpm --filter @modajs/cpu generate`.',
  );
}
