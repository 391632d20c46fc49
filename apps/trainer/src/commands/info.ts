import { countFlops, countParameters, type DecoderConfig } from '@modajs/models';
import type { SavedConfig } from '@modajs/train';
import { prepareModelConfig, type RunConfig, resolveRunConfig, sequenceLength } from '@modajs/train';
import type { Command } from 'commander';
import { isHuggingFaceFolder } from '../model/hugging-face-model.ts';
import { isGguf, MODEL_NAMES, openModelSource } from '../model/open-model-source.ts';
import { estimateMemory } from '../run/estimate-memory.ts';
import { loadPreset, presetNames } from '../run/load-config.ts';
import { runFolder } from '../run/run-folder.ts';
import { readSavedConfig } from '../run/saved-config.ts';
import { bytes, compact } from '../terminal/format.ts';
import { table } from '../terminal/table.ts';
import { printModels } from './models.ts';

interface InfoOptions {
  readonly json?: boolean;
  readonly out: string;
}

/** `moda info`. */
export function registerInfo(program: Command): void {
  program
    .command('info')
    .description('parameters, FLOPs and memory of a preset, a run or a model')
    .argument('[name]', `a preset, ${MODEL_NAMES}; without one, lists the presets as moda models does`)
    .option('--json', 'print JSON')
    .option('-o, --out <folder>', 'where runs are kept', 'runs')
    .action(async (name: string | undefined, options: InfoOptions) => {
      if (name === undefined) return printModels(options);
      const trained = await trainedConfig(name, options);
      if (trained === null) return printSource(name, options);
      const { run, model, origin } = trained;
      const facts = describe(name, run, model, origin);
      const config = origin === null ? { run, model } : { run, model, origin };
      console.log(options.json ? JSON.stringify({ ...facts, config }, null, 2) : asTable(facts, origin));
    });
}

/** Of a preset or a run; null for a model that says nothing about how it was trained. */
async function trainedConfig(name: string, { out }: InfoOptions): Promise<SavedConfig | null> {
  if (presetNames.includes(name)) return presetConfig(name);
  if (isGguf(name) || (await isHuggingFaceFolder(name))) return null;
  const folder = await runFolder(out, name);
  return folder === null ? null : readSavedConfig(folder);
}

async function presetConfig(name: string): Promise<SavedConfig> {
  const run = resolveRunConfig(await loadPreset(name), `preset ${name}`);
  return { run, model: prepareModelConfig(run, run.tokenizer.vocabSize), origin: null };
}

async function printSource(name: string, options: InfoOptions): Promise<void> {
  const source = await openModelSource(name, options);
  await source.close();
  printModel(source.name, source.config, source.facts, options);
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
    ['depth', model.depth.kind],
    ...Object.entries(file),
  ];
  console.log(table([facts.name, 'value'], rows));
}

function describe(name: string, run: RunConfig, model: DecoderConfig, origin: SavedConfig['origin']) {
  const T = sequenceLength(run, model);
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
    memoryBytes: estimateMemory(model, run, origin?.quantized),
  };
}

function asTable({ memoryBytes, ...facts }: ReturnType<typeof describe>, origin: SavedConfig['origin']): string {
  const rows = [
    ...(origin === null ? [] : [['started from', origin.name]]),
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
