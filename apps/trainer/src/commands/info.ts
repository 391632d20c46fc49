import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { configFromHuggingFace, countFlops, countParameters, type DecoderConfig } from '@modajs/models';
import { ConfigError } from '@modajs/tensor';
import { prepareModelConfig, type RunConfig, resolveRunConfig } from '@modajs/train';
import type { Command } from 'commander';
import { estimateMemory } from '../run/estimate-memory.ts';
import { loadPreset, presetNames } from '../run/load-config.ts';
import { readSavedConfig, type SavedConfig } from '../run/open-run.ts';
import { findRunFolder } from '../run/run-folder.ts';
import { bytes, compact } from '../terminal/format.ts';
import { table } from '../terminal/table.ts';
import { isHuggingFaceFolder } from './eval-hugging-face.ts';
import { isGguf, withGguf } from './gguf-model.ts';

interface InfoOptions {
  readonly json?: boolean;
  readonly out: string;
}

/** `moda info`. */
export function registerInfo(program: Command): void {
  program
    .command('info')
    .description('parameters, FLOPs and memory of a preset, a run or a model')
    .argument(
      '[name]',
      "a preset, a run, its folder, a folder of Hugging Face's files, or a .gguf file; without one, lists the presets",
    )
    .option('--json', 'print JSON')
    .option('-o, --out <folder>', 'where runs are kept', 'runs')
    .action(async (name: string | undefined, options: InfoOptions) => {
      if (name === undefined) return printPresets(options);
      if (isGguf(name)) return printGguf(name, options);
      if (await isHuggingFaceFolder(name)) return printFolder(name, options);
      const { run, model } = await configOf(name, options);
      const facts = describe(name, run, model);
      console.log(options.json ? JSON.stringify({ ...facts, config: { run, model } }, null, 2) : asTable(facts));
    });
}

async function configOf(name: string, { out }: InfoOptions): Promise<SavedConfig> {
  if ((await presetNames()).includes(name)) return presetConfig(name);
  return readSavedConfig(await findRunFolder(out, name));
}

async function presetConfig(name: string): Promise<SavedConfig> {
  const run = resolveRunConfig(await loadPreset(name), `preset ${name}`);
  return { run, model: prepareModelConfig(run, run.tokenizer.vocabSize) };
}

/** A model in Hugging Face's files, which says nothing about how it was trained. */
async function printFolder(path: string, options: InfoOptions): Promise<void> {
  printModel(basename(path), configFromHuggingFace(await readJson(join(path, 'config.json'))), {}, options);
}

async function printGguf(path: string, options: InfoOptions): Promise<void> {
  await withGguf(path, async ({ config, metadata, storage }) => {
    const text = (key: string) => String(metadata.get(key) ?? 'not said');
    const stored = [...storage].map(([type, count]) => `${type} ${compact(count)}`).join(', ');
    const [kind, pre] = [text('tokenizer.ggml.model'), metadata.get('tokenizer.ggml.pre')];
    const file = {
      architecture: text('general.architecture'),
      'numbers stored as': stored,
      tokenizer: pre === undefined ? kind : `${kind}, ${String(pre)}`,
    };
    printModel(basename(path), config, file, options);
  });
}

/** @param file what else the model's file says */
function printModel(
  name: string,
  model: DecoderConfig,
  file: Readonly<Record<string, string>>,
  { json }: InfoOptions,
): void {
  const forward = countFlops(model, model.seqLen);
  const facts = {
    name,
    parameters: countParameters(model),
    forwardFlopsPerSequence: forward.total,
    depthFlopsShare: forward.depth / forward.total,
  };
  if (json) {
    const own = Object.keys(file).length > 0 ? { file } : {};
    console.log(JSON.stringify({ ...facts, ...own, config: { model } }, null, 2));
    return;
  }
  const rows = [
    ['parameters', facts.parameters.toLocaleString('en')],
    [`forward FLOPs of one sequence of ${model.seqLen} tokens`, compact(facts.forwardFlopsPerSequence)],
    ['of these for depth', `${(facts.depthFlopsShare * 100).toFixed(2)} %`],
    ['blocks, width, heads', `${model.nLayers}, ${model.dModel}, ${model.nHeads}`],
    ['depth', model.depth],
    ...Object.entries(file),
  ];
  console.log(table([facts.name, 'value'], rows));
}

async function readJson(path: string): Promise<Parameters<typeof configFromHuggingFace>[0]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new ConfigError(`info: ${path} must be readable, got ${error.code}. Is it a model's folder?`, { path });
  });
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new ConfigError(`info: ${path} must be JSON: ${(error as Error).message}. Download it again.`, { path });
  }
}

function describe(name: string, run: RunConfig, model: DecoderConfig) {
  const T = model.seqLen;
  const forward = countFlops(model, T);
  const tokensPerStep = run.training.batchSize * T;
  return {
    name,
    parameters: countParameters(model),
    forwardFlopsPerSequence: forward.total,
    trainingFlopsPerStep: 3 * forward.total * run.training.batchSize,
    depthFlopsShare: forward.depth / forward.total,
    steps: run.training.steps,
    tokens: tokensPerStep * run.training.steps,
    memoryBytes: estimateMemory(model, run),
  };
}

function asTable({ memoryBytes, ...facts }: ReturnType<typeof describe>): string {
  const rows = [
    ['parameters', facts.parameters.toLocaleString('en')],
    ['forward FLOPs of one sequence', compact(facts.forwardFlopsPerSequence)],
    ['of these for depth', `${(facts.depthFlopsShare * 100).toFixed(2)} %`],
    ['training FLOPs a step', compact(facts.trainingFlopsPerStep)],
    ['steps', String(facts.steps)],
    ['tokens in all', compact(facts.tokens)],
    ...Object.entries(memoryBytes).map(([part, size]) => [`memory: ${part}`, bytes(size)]),
  ];
  return table([facts.name, 'value'], rows);
}

async function printPresets({ json }: InfoOptions): Promise<void> {
  const rows: { name: string; parameters: number; blocks: number; depth: string; norm: string }[] = [];
  for (const name of await presetNames()) {
    const { model } = await presetConfig(name);
    const { nLayers: blocks, depth, norm } = model;
    rows.push({ name, parameters: countParameters(model), blocks, depth, norm });
  }
  if (json) return console.log(JSON.stringify(rows, null, 2));
  const cells = rows.map((row) => [
    row.name,
    row.parameters.toLocaleString('en'),
    String(row.blocks),
    row.norm,
    row.depth,
  ]);
  console.log(table(['preset', 'parameters', 'blocks', 'norm', 'depth'], cells));
}
