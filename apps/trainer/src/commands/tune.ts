import { type Command, Option } from 'commander';
import { type TuneOptions, tuneCommand } from '../run/bench/tune-command.ts';

/** `moda tune`. */
export function registerTune(program: Command): void {
  program
    .command('tune')
    .description('search the fastest kernel configurations on this WebGPU adapter; later commands use them')
    .addOption(
      new Option('--scale <scale>', 'published shapes, shapes that fit the device, or tiny ones')
        .choices(['paper', 'fit', 'smoke'])
        .default('fit'),
    )
    .option('--classes <parts>', 'only classes of shapes whose name has one of these parts, comma-separated')
    .option('--isolate', 'a process for each candidate instead of each class: slower, and safe from drivers that abort')
    .option('--dry-run', 'search without keeping what was found')
    .action((options: TuneOptions) => tuneCommand(options));
}
