import { countParameters, presets } from '@modajs/models';
import type { Command } from 'commander';
import { compact } from '../terminal/format.ts';
import { table } from '../terminal/table.ts';

/** `moda models`. */
export function registerModels(program: Command): void {
  program
    .command('models')
    .description('list the models of the zoo: the names that --preset, info, bench step and model.preset take')
    .option('--json', 'print JSON')
    .action(printModels);
}

/** Prints what there is to train: sizes of each model of the zoo. */
export function printModels({ json }: { readonly json?: boolean }): void {
  const rows = Object.entries(presets).map(([name, model]) => ({
    name,
    parameters: countParameters(model),
    layers: model.nLayers,
    heads: model.nHeads,
    kvHeads: model.nKvHeads,
    width: model.dModel,
    context: model.seqLen,
    vocabulary: model.vocabSize,
    norm: model.norm,
    depth: model.depth.kind,
  }));
  if (json) {
    console.log(JSON.stringify(rows, null, 2));
    return;
  }
  const cells = rows.map(({ name, parameters, layers, heads, kvHeads, width, context, depth }) => [
    name,
    compact(parameters),
    String(layers),
    heads === kvHeads ? String(heads) : `${heads}/${kvHeads}`,
    String(width),
    String(context),
    depth,
  ]);
  console.log(table(['model', 'params', 'layers', 'heads', 'width', 'context', 'depth'], cells));
  console.log('\nheads: query heads / key and value heads. Train one: moda train --preset tiny');
}
