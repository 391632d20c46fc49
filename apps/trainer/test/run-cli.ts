import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The bundle lies one folder below the package, as `dist/` does, so that `../presets/` resolves. */
export const CLI = fileURLToPath(new URL('../.test-build/main.js', import.meta.url));

/** How a command ended. */
export interface CliResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where and how to run. */
export interface CliOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Shell commands before the process starts, such as `ulimit`. */
  readonly before?: string;
  /** Called with the process and all output so far, of both streams, at each new piece. */
  readonly onOutput?: (process: ChildProcess, output: string) => void;
}

/** Runs `moda` with arguments. */
export function runCli(args: readonly string[], { before = '', ...options }: CliOptions): Promise<CliResult> {
  if (before === '') return runProcess(process.execPath, [CLI, ...args], options);
  return runProcess('sh', ['-c', `${before}; exec "$0" "$@"`, process.execPath, CLI, ...args], options);
}

/** Runs a program and collects what it prints. */
export function runProcess(
  command: string,
  args: readonly string[],
  { cwd, env = {}, onOutput }: Omit<CliOptions, 'before'>,
): Promise<CliResult> {
  const child = spawn(command, args, { cwd, env: { ...process.env, ...env } });
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    onOutput?.(child, stdout + stderr);
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    onOutput?.(child, stdout + stderr);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** A configuration that trains in a second. */
export const SMALL_CONFIG = `
name: small
model: { nLayers: 2, nHeads: 3, nKvHeads: 1, headDim: 8, dModel: 24, dFf: 40, seqLen: 17, depth: moda, ropeTheta: 10000 }
tokenizer: { vocabSize: 270 }
data: { sources: [text.txt], heldOut: 0.1 }
training: { steps: 30, batchSize: 3 }
optimizer: { lr: 0.01 }
schedule: { warmupSteps: 5 }
evaluation: { every: 10, maxTokens: 100 }
samples: { prompts: [the], maxNewTokens: 5 }
checkpoint: { every: 7, keepLast: 3 }
device: cpu
threads: 1
`;

/** Text with structure to learn, about 6 kB. */
export const SMALL_TEXT = Array.from(
  { length: 120 },
  (_, i) => `The ${['white', 'old', 'sick'][i % 3]} whale number ${i} swam ${i % 7} miles — and dived.`,
).join('\n');

/** A new folder with `small.yaml` and `text.txt`, what the smallest training needs. */
export async function smallFolder(prefix: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), prefix));
  await writeFile(join(folder, 'small.yaml'), SMALL_CONFIG);
  await writeFile(join(folder, 'text.txt'), SMALL_TEXT);
  return folder;
}

/** The rows of a run's metrics. */
export async function metricsOf(cwd: string, run: string): Promise<Record<string, number>[]> {
  const text = await readFile(join(cwd, 'runs', run, 'metrics.jsonl'), 'utf8');
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
}
