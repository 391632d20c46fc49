export { FolderStorage } from './folder-storage.ts';
export { joinMpiJob } from './mpi/join-mpi-job.ts';
export { type MpiEnvironment, mpiEnvironment } from './mpi/mpi-environment.ts';
export { selectGpuOfRank } from './mpi/select-gpu.ts';
export { openRun } from './open-run.ts';
export { LockedError, PathLock } from './path-lock.ts';
export { joinLocalRanks, localRankOf, startLocalRanks } from './shared-memory/local-ranks.ts';
export { inspectTokenFile, type TokenFile } from './token-file.ts';
export { TokenFilesSource } from './token-files-source.ts';
