import { open, unlink } from 'node:fs/promises';
import { broadcastJson } from '../../distributed/broadcast-json.ts';
import type { Collective } from '../../distributed/collective.ts';
import { mapSharedMemory } from '../shared-memory/map-shared-memory.ts';
import { createSharedFile } from '../shared-memory/shared-file.ts';
import { sharedLayout } from '../shared-memory/shared-layout.ts';
import { SharedMemoryCollective } from '../shared-memory/shared-memory-collective.ts';

/**
 * The ranks of an MPI job on memory that they share, where all of them are on one machine; MPI then only starts and ends them.
 * The job as it is where they are not, where memory cannot be shared on one of them, or where `MODA_SHARED_MEMORY=0` says so.
 */
export async function onOneMachine(
  job: Collective,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Collective> {
  if (job.localSize !== job.size || env['MODA_SHARED_MEMORY'] === '0') return job;
  const { rank, size } = job;
  const { bytes } = sharedLayout(size);
  const made = rank === 0 ? await createSharedFile(bytes).catch(() => null) : null;
  const path = await broadcastJson<string | null>(job, made?.path ?? null);
  const file = made?.file ?? (path === null ? null : await open(path, 'r+').catch(() => null));
  const memory = file === null ? null : await mapSharedMemory(file.fd, bytes).catch(() => null);
  const missing = Float64Array.of(memory === null ? 1 : 0);
  await job.allReduce(missing);
  await file?.close();
  if (made !== null) await unlink(made.path);
  if (memory === null || missing[0] > 0) return job;
  return new SharedJob(memory, job);
}

class SharedJob extends SharedMemoryCollective {
  constructor(
    memory: ArrayBuffer,
    private readonly job: Collective,
  ) {
    super(memory, job.rank, job.size);
  }

  override abort(exitCode: number): void {
    super.abort();
    this.job.abort(exitCode);
  }

  override async close(): Promise<void> {
    await super.close();
    await this.job.close();
  }

  override leave(): void {
    super.leave();
    this.job.leave();
  }
}
