import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createDecoder, hostParameters, writeGguf } from '@modajs/models';
import { init } from '@modajs/tensor';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from './run-cli.ts';
import { smallLlamaConfig, smallLlamaTokenizer } from './small-llama.ts';

let cwd = '';
const moda = (...args: string[]) => runCli(args, { cwd });

beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'moda-gguf-'));
  const device = await init({ device: 'cpu', threads: 1 });
  const config = smallLlamaConfig(2);
  const decoder = createDecoder(config, { device, seed: 3 });
  const file = writeGguf(config, await hostParameters(decoder), smallLlamaTokenizer(), { storage: 'Q8_0' });
  device.destroy();
  await writeFile(join(cwd, 'small.gguf'), file);
  await writeFile(join(cwd, 'cut.gguf'), file.subarray(0, file.length - 100));
  await writeFile(join(cwd, 'text.txt'), 'a cab, a bead and a face '.repeat(20));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

describe('a .gguf file [cpu]', () => {
  it('is told about by moda info', async () => {
    const { code, stdout, stderr } = await moda('info', 'small.gguf');
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/architecture +llama/);
    expect(stdout).toMatch(/numbers stored as +Q8_0 [\d.]+k?, F32 160/);
    const { config, file } = JSON.parse((await moda('info', 'small.gguf', '--json')).stdout);
    expect(config.model).toMatchObject({ nLayers: 2, dModel: 32, ropeInterleaved: false });
    expect(file.tokenizer).toBe('llama');
  });

  it('continues a prompt in moda generate, the same way for the same seed', async () => {
    const args = ['generate', 'small.gguf', '-d', 'cpu', '-p', 'a bead', '--max-new-tokens', '12', '--seed', '5'];
    const { code, stdout, stderr } = await moda(...args);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.startsWith('a bead')).toBe(true);
    expect((await moda(...args)).stdout).toBe(stdout);
  });

  it('is scored by moda eval, a start token before every text', async () => {
    const { code, stderr } = await moda(
      ...['eval', 'perplexity', 'text.txt', '--model', 'small.gguf', '-d', 'cpu', '--threads', '1', '-O', 'p.json'],
    );
    expect([code, stderr]).toEqual([0, 'text: 1 of 1 documents\n']);
    expect(await readFile(join(cwd, 'p.json'), 'utf8')).toContain('"small.gguf"');
  });

  it.each([
    ['info', 'cut.gguf', 'cut.gguf: output_norm.weight: F32 [32] needs bytes up to'],
    ['generate', 'cut.gguf', 'Is the file truncated?'],
    ['generate', 'none.gguf', 'model: none.gguf must be a file, got nothing there'],
    ['info', 'none.gguf', 'model: none.gguf must be a file, got nothing there'],
  ])('that is damaged or missing is refused by moda %s in one line', async (command, name, message) => {
    const { code, stderr } = await moda(command, name, ...(command === 'generate' ? ['-p', 'a', '-d', 'cpu'] : []));
    expect(code).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
