import { type ChildProcess, spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { LockedError, PathLock } from './path-lock.ts';

const folders: string[] = [];
let file = '';
beforeEach(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'moda-lock-'));
  folders.push(folder);
  file = join(folder, 'a/run/run.lock');
});
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function owner(): Promise<Record<string, unknown>> {
  return JSON.parse(await readFile(file, 'utf8'));
}

/** A lock as another process would have left it. */
async function leave(change: Record<string, unknown>): Promise<void> {
  const lock = await PathLock.take(file, 'it');
  const mine = await owner();
  await lock.release();
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(file, JSON.stringify({ ...mine, ...change }));
}

async function ended(child: ChildProcess): Promise<number> {
  await new Promise((resolve) => child.on('close', resolve));
  return child.pid!;
}

describe('PathLock', () => {
  it('is held by one at a time, who is named, and leaves nothing behind', async () => {
    const lock = await PathLock.take(file, 'runs/x');
    await expect(PathLock.take(file, 'runs/x')).rejects.toThrow(LockedError);
    await expect(PathLock.take(file, 'runs/x')).rejects.toThrow(
      `lock: runs/x must not be in use, it is held by process ${process.pid} (moda`,
    );
    await lock.release();
    expect(await readdir(folders.at(-1)!)).toEqual([]);
    await (await PathLock.take(file, 'runs/x')).release();
  });

  it('keeps the folder in which something was written', async () => {
    const lock = await PathLock.take(file, 'it');
    await writeFile(join(file, '../config.json'), '{}');
    await lock.release();
    expect(await readdir(join(file, '..'))).toEqual(['config.json']);
  });

  it('of a process that is gone is taken over', async () => {
    await leave({ pid: await ended(spawn(process.execPath, ['-e', ''])) });
    await (await PathLock.take(file, 'it')).release();
  });

  it.runIf(process.platform === 'linux')(
    'of a process that ended, but is still in the table, is taken over',
    async () => {
      // The shell becomes a program that asks no child how it ended; the child stays a zombie.
      const parent = spawn('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60']);
      const pid = Number(await new Promise((resolve) => parent.stdout.once('data', resolve)));
      try {
        const fields = async () => (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1].split(' ');
        await expect.poll(async () => (await fields())[0]).toBe('Z');
        await leave({ pid, processStart: (await fields())[19] });
        await (await PathLock.take(file, 'it')).release();
      } finally {
        parent.kill();
      }
    },
  );

  it('of an earlier process with the number of a living one is taken over', async () => {
    await leave({ processStart: '1' });
    await (await PathLock.take(file, 'it')).release();
    await leave({ boot: 'before' });
    await (await PathLock.take(file, 'it')).release();
  });

  it('of another machine counts as alive, and says what to delete', async () => {
    await leave({ machine: 'elsewhere' });
    await expect(PathLock.take(file, 'it')).rejects.toThrow(`on elsewhere (moda`);
    await expect(PathLock.take(file, 'it')).rejects.toThrow(`if it is gone, delete ${file}.`);
  });

  it.each(['', 'null', '{"pid":', '{"pid":"1"}'])('that says %j counts while it may be being written', async (text) => {
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, text);
    await expect(PathLock.take(file, 'it')).rejects.toThrow('is being taken by another process');
    const past = new Date(Date.now() - 60_000);
    await utimes(file, past, past);
    await (await PathLock.take(file, 'it')).release();
  });

  it('goes to one of many who take over a dead one at once', async () => {
    for (let round = 0; round < 20; round++) {
      await leave({ processStart: '1' });
      const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => PathLock.take(file, 'it')));
      const taken = attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? [attempt.value] : []));
      expect(taken).toHaveLength(1);
      for (const attempt of attempts) {
        if (attempt.status === 'rejected') expect(attempt.reason).toBeInstanceOf(LockedError);
      }
      expect(await readdir(join(file, '..'))).toEqual(['run.lock']);
      await taken[0].release();
    }
  });

  it('of a process that died while it took a dead one over is taken over too', async () => {
    await leave({ processStart: '1' });
    await copyFile(file, `${file}.takeover`);
    await (await PathLock.take(file, 'it')).release();
    expect(await readdir(join(file, '..'))).toEqual([]);
  });

  it('names the reason where nothing can be written', async () => {
    await writeFile(join(folders.at(-1)!, 'a'), 'a file');
    await expect(PathLock.take(file, 'it')).rejects.toThrow(/must be writable, got (ENOTDIR|EEXIST)/);
  });
});
