import { Command, Option } from 'commander';
import { type CompareOptions, compareFiles } from './eval-compare.ts';
import { type DecontaminateOptions, decontaminate } from './eval-decontaminate.ts';
import type { ModelOptions } from './eval-model.ts';
import { measurePerplexity, type PerplexityCommandOptions } from './eval-perplexity.ts';
import { type EvalOptions, evaluateTasks, listTasks } from './eval-tasks.ts';
import { CHECKPOINT_HELP, checkpointStep, positiveInteger, wholeNumber } from './train.ts';

const OVERWRITE = 'replace the file even if it holds results of another model, or of more';

/** `moda eval` and its subcommands `perplexity`, `compare`, `decontaminate` and `tasks`. */
export function registerEval(program: Command): void {
  // Options after a subcommand are the subcommand's; commander asks for this at every level above it.
  program.enablePositionalOptions();
  const evaluation = withModel(program.command('eval'))
    .description('score a model on tasks; results in the layout of lm-evaluation-harness')
    .enablePositionalOptions()
    .option('-t, --tasks <names>', 'tasks and groups, comma-separated (moda eval tasks lists them)', commaSeparated)
    .option('--task-file <file>', 'a task of your own as JSON; may be repeated', collect, [])
    .option('--style <style>', 'olmes or olmo-in-loop', 'olmes')
    .option('--shots <count>', 'examples before each prompt (default: as the style says)', wholeNumber)
    .option('-l, --limit <count>', 'only the first documents of each task; never a complete result', positiveInteger)
    .option('--all-documents', 'all documents of tasks for which the style draws a sample')
    .option('--data <folder>', 'datasets in a folder instead of the Hugging Face hub')
    .option('--cache <folder>', 'where files of the hub are kept (default: the cache of huggingface_hub)')
    .option('-O, --output <file>', 'where results go', 'results.json')
    .option('--overwrite', OVERWRITE)
    .option('--log-samples', 'also write each request and its scores')
    .option('--fresh', 'ask everything again instead of continuing where an earlier run was')
    .option('--depth-statistics', 'record where depth attention looks, by layer and head')
    .action((options: EvalOptions) => evaluateTasks(options));

  evaluation.addCommand(perplexityCommand());
  evaluation
    .command('compare')
    .description('differences of two results files, with paired-bootstrap significance')
    .argument('<a>', 'results file')
    .argument('<b>', 'results file')
    .option('--json', 'print JSON')
    .action((a: string, b: string, options: CompareOptions) => compareFiles(a, b, options));
  evaluation
    .command('decontaminate')
    .description('13-gram overlap of tasks with training data')
    .argument('<files...>', 'training data: .txt, .jsonl, .jsonl.gz, or token shards (.bin, .npy) with --tokenizer')
    .requiredOption('-t, --tasks <names>', 'tasks and groups, comma-separated', commaSeparated)
    .option('--style <style>', 'olmes or olmo-in-loop', 'olmes')
    .option('-n, --ngram <count>', 'length of the n-grams in words', positiveInteger, 13)
    .option('--tokenizer <file>', 'tokenizer.json that made the shards')
    .addOption(
      new Option('--dtype <dtype>', 'ids in the shards (default: as the vocabulary needs)').choices([
        'uint16',
        'uint32',
      ]),
    )
    .option('--data <folder>', 'datasets in a folder instead of the Hugging Face hub')
    .option('--cache <folder>', 'where files of the hub are kept (default: the cache of huggingface_hub)')
    .option('-O, --output <file>', 'also write the report as JSON')
    .option('--overwrite', OVERWRITE)
    .action((files: string[], options: DecontaminateOptions) => decontaminate(files, options));
  evaluation
    .command('tasks')
    .description('list tasks and groups')
    .option('--style <style>', 'olmes or olmo-in-loop', 'olmes')
    .action((options: { style: string }) => listTasks(options.style));
}

function perplexityCommand(): Command {
  return withModel(new Command('perplexity'))
    .description('perplexity and bits per byte of files, one line a file')
    .argument('<files...>', '.txt, .jsonl or .jsonl.gz with a "text" field, or headerless token shards (.bin, .npy)')
    .option('--window <tokens>', "window (default: the model's length)", positiveInteger)
    .option('--stride <tokens>', 'tokens scored per step (default: the window)', positiveInteger)
    .addOption(
      new Option('--dtype <dtype>', 'ids in token shards (default: as the vocabulary needs)').choices([
        'uint16',
        'uint32',
      ]),
    )
    .option('-l, --limit <count>', 'only the first documents of each file', positiveInteger)
    .option('-O, --output <file>', 'also write the report as JSON')
    .option('--overwrite', OVERWRITE)
    .action((files: string[], options: PerplexityCommandOptions) => measurePerplexity(files, options));
}

function withModel(command: Command): Command {
  const defaults: Pick<ModelOptions, 'out' | 'device' | 'longContext'> = {
    out: 'runs',
    device: 'auto',
    longContext: 'truncate',
  };
  return command
    .option('-m, --model <model>', 'a run, its folder, Hugging Face files (folder or owner/name), or a .gguf file')
    .option('-o, --out <folder>', 'where runs are kept', defaults.out)
    .option(
      '-d, --device <name>',
      'auto, webgpu, cpu, reference, or llama.cpp for a .gguf file (with node-llama-cpp)',
      defaults.device,
    )
    .option('--threads <count>', 'threads of the cpu device', positiveInteger)
    .option('--step <step>', CHECKPOINT_HELP, checkpointStep)
    .option('--average', 'the moving average of the weights')
    .option('--batch-tokens <count>', 'tokens of one batch', positiveInteger, 4096)
    .addOption(
      new Option(
        '--long-context <what>',
        'contexts longer than the model: truncate cuts them from the left and says so',
      )
        .choices(['error', 'truncate'])
        .default(defaults.longContext),
    );
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function commaSeparated(value: string): string[] {
  return value
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean);
}
