import type { RunConfig } from '@modajs/train';
import { runName } from './run-folder.ts';

/** What a run's next commands depend on. */
export interface FinishedRun {
  readonly config: RunConfig;
  /** Mechanism of the model, such as `moda`. */
  readonly depth: string;
  readonly folder: string;
  /** Where runs are kept. */
  readonly out: string;
  /** Whether the model can be talked to. */
  readonly hasChat: boolean;
  /** Arguments of `moda train`. */
  readonly given: readonly string[];
}

/** A command line of this program, as its user calls it: in a checkout through npm. */
export function commandLine(...words: readonly string[]): string {
  return [process.env['MODA_COMMAND'] ?? 'moda', ...words.map(quoted)].join(' ');
}

/** A word of a shell's command line. */
function quoted(text: string): string {
  return /^[\w./:@=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** What comes next, most useful first: commands, each with what it does. */
export function nextCommands(run: FinishedRun): [string, string][] {
  const { config, folder, out, hasChat } = run;
  const name = runName(folder);
  const kept = out === 'runs' ? [] : ['--out', out];
  const [prompt = 'The'] = config.samples.prompts;
  const ask = hasChat ? ['chat', name] : ['generate', name, '--prompt', prompt];
  const isOwnText = config.data.sources.some(({ path }) => !path.startsWith('builtin:'));
  const compare = compareArguments(run);
  return [
    [commandLine(...ask, ...kept), hasChat ? 'talks to the model' : 'continues a prompt'],
    [
      commandLine('dashboard', '--open', ...(out === 'runs' ? [] : ['--runs', out])),
      'shows runs, attention over depth, and kernels, in the browser',
    ],
    ...(isOwnText
      ? []
      : [[commandLine('train', 'your-text.txt', '--name', 'mine', ...kept), 'trains on a text of yours'] as const]),
    ...(compare
      ? [[commandLine(...compare), 'trains the same model without depth; its report shows both'] as const]
      : []),
  ].map(([command, what]) => [command, what]);
}

/** Arguments that train the same model without depth; null where that is no other model, or a run went on. */
function compareArguments({ config, depth, folder, given }: FinishedRun): string[] | null {
  if (config.from !== null || depth === 'residual') return null;
  if (given.some((argument) => /^(--resume|-r)/.test(argument))) return null;
  const isName = (argument: string | undefined) => argument === '--name' || argument === '-n';
  const kept = given.filter((argument, i) => !isName(argument) && !isName(given[i - 1]) && !/^--name=/.test(argument));
  return ['train', ...kept, '--set', 'model.depth=residual', '--name', `${runName(folder)}-residual`];
}
