import { CollectiveError } from '../../distributed/collective-error.ts';

/** `PROT_READ | PROT_WRITE` and `MAP_SHARED`, the same on Linux and macOS. */
const READ_AND_WRITE = 3;
const SHARED = 1;

const C_LIBRARY: Readonly<Record<string, string>> = { linux: 'libc.so.6', darwin: 'libSystem.dylib' };

/**
 * The bytes of an open file as memory that every process shares which maps it; until the process ends. Node has no call for it,
 * so `koffi` calls the C library's `mmap`.
 *
 * @throws CollectiveError where `koffi` or the call is missing
 */
export async function mapSharedMemory(descriptor: number, bytes: number): Promise<ArrayBuffer> {
  const name = C_LIBRARY[process.platform];
  if (name === undefined) {
    throw new CollectiveError(`ranks: shared memory needs Linux or macOS, got ${process.platform}. Use mpirun.`);
  }
  const koffi = await import('koffi').then(
    (module) => module.default,
    (error: Error) => {
      const [what] = error.message.split('\n');
      throw new CollectiveError(`ranks: the npm package koffi must be there, got: ${what}. Run: npm install koffi`);
    },
  );
  const mmap = koffi
    .load(name)
    .func('void *mmap(void *address, size_t length, int protection, int flags, int descriptor, int64_t offset)');
  const address: unknown = mmap(null, bytes, READ_AND_WRITE, SHARED, descriptor, 0);
  // MAP_FAILED is -1.
  const place = BigInt.asIntN(64, BigInt(koffi.address(address)));
  if (place === -1n || place === 0n) {
    throw new CollectiveError(
      `ranks: mmap of ${bytes} B must work, got errno ${koffi.errno()}. Start fewer ranks on this machine.`,
      { bytes },
    );
  }
  return koffi.view(address, bytes);
}
