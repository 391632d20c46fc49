import { type Command, Option } from 'commander';
import { type ExportOptions, exportDtypes, exportFormats, exportModel } from '../export/export-model.ts';
import { MODEL_NAMES } from '../model/open-model-source.ts';
import { CHECKPOINT_HELP, checkpointStep } from './train.ts';

/** `moda export`. */
export function registerExport(program: Command): void {
  program
    .command('export')
    .description('write a model for other programs: Hugging Face folder, GGUF, safetensors, or an adapter for PEFT')
    .argument('<model>', MODEL_NAMES)
    .requiredOption('-O, --output <path>', 'folder or file to write; .gguf and .safetensors say their format')
    .addOption(new Option('-f, --format <name>', 'what to write (default: by the ending)').choices([...exportFormats]))
    .addOption(new Option('--dtype <name>', 'how numbers are stored').choices([...exportDtypes]).default('f32'))
    .option('--merge', "add a run's adapter to the weights")
    .option('--overwrite', 'replace what is there')
    .option('--step <step>', CHECKPOINT_HELP, checkpointStep)
    .option('--average', 'the moving average of the weights')
    .option('-o, --out <folder>', 'where runs are kept', 'runs')
    .action((name: string, options: ExportOptions) => exportModel(name, options));
}
