import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { joinMpiJob } from './join-mpi-job.ts';
import { mpiEnvironment } from './mpi-environment.ts';
import { selectGpuOfRank } from './select-gpu.ts';

describe('mpiEnvironment', () => {
  it('knows what OpenMPI, PMI launchers and Slurm say', () => {
    const openMpi = {
      OMPI_COMM_WORLD_SIZE: '8',
      OMPI_COMM_WORLD_RANK: '5',
      OMPI_COMM_WORLD_LOCAL_RANK: '1',
      OMPI_COMM_WORLD_LOCAL_SIZE: '4',
    };
    expect(mpiEnvironment(openMpi)).toEqual({ size: 8, rank: 5, localRank: 1, localSize: 4 });
    const pmi = { PMI_SIZE: '2', PMI_RANK: '1', MPI_LOCALRANKID: '1', MPI_LOCALNRANKS: '2' };
    expect(mpiEnvironment(pmi)).toEqual({ size: 2, rank: 1, localRank: 1, localSize: 2 });
    const slurm = { SLURM_STEP_NUM_TASKS: '8', PMIX_RANK: '6', SLURM_LOCALID: '2', SLURM_TASKS_PER_NODE: '4(x2)' };
    expect(mpiEnvironment(slurm)).toEqual({ size: 8, rank: 6, localRank: 2, localSize: 4 });
  });

  it('is null alone: without a launcher, as the only rank, and in a Slurm job without MPI', () => {
    expect(mpiEnvironment({})).toBeNull();
    expect(mpiEnvironment({ OMPI_COMM_WORLD_SIZE: '1', OMPI_COMM_WORLD_RANK: '0' })).toBeNull();
    expect(mpiEnvironment({ SLURM_STEP_NUM_TASKS: '8', SLURM_PROCID: '0' })).toBeNull();
  });
});

describe('joinMpiJob', () => {
  it('is null alone, and says what to install when the library is missing', async () => {
    expect(await joinMpiJob({})).toBeNull();
    const env = { OMPI_COMM_WORLD_SIZE: '2', OMPI_COMM_WORLD_RANK: '0', MODA_MPI_LIBRARY: '/nowhere/libmpi.so' };
    await expect(joinMpiJob(env)).rejects.toThrow(
      /OpenMPI 4 or 5 must be there .* \/nowhere\/libmpi\.so: .*Install it/,
    );
  });
});

describe('selectGpuOfRank', () => {
  it('names one GPU a rank by PCI address, in turns, unless the user did or there is no choice', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'moda-gpus-'));
    const select = async (localRank: number, localSize: number, env: NodeJS.ProcessEnv = {}) => {
      const address = await selectGpuOfRank({ localRank, localSize }, env, folder);
      return [address, env['DRI_PRIME'], env['MESA_VK_DEVICE_SELECT_FORCE_DEFAULT_DEVICE']];
    };
    const nothing = [null, undefined, undefined];
    await mkdir(join(folder, '0000:c1:00.0'));
    expect(await select(1, 2)).toEqual(nothing);
    await mkdir(join(folder, '0000:41:00.0'));
    expect(await select(0, 3)).toEqual(['0000:41:00.0', 'pci-0000_41_00_0', '1']);
    expect(await select(1, 3)).toEqual(['0000:c1:00.0', 'pci-0000_c1_00_0', '1']);
    expect(await select(2, 3)).toEqual(['0000:41:00.0', 'pci-0000_41_00_0', '1']);
    expect(await select(0, 1)).toEqual(nothing);
    expect(await select(1, 2, { DRI_PRIME: '1' })).toEqual([null, '1', undefined]);
    expect(await selectGpuOfRank({ localRank: 1, localSize: 2 }, {}, join(folder, 'none'))).toBeNull();
    await rm(folder, { recursive: true });
  });
});
