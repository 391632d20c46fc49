import { runSchema, settingEntries, settingsJsonSchema } from '@modajs/train';
import { type Command, InvalidArgumentError } from 'commander';
import { wrapped } from '../terminal/wrapped.ts';

/** Columns of a terminal that nothing is known about. */
const COLUMNS = 80;

/** `moda settings`, which `moda help settings` prints too. */
export function registerSettings(program: Command): void {
  program
    .command('settings')
    .description('every setting of a run with its default and meaning, from the schema that moda train checks with')
    .argument('[part]', 'only keys that contain this, such as optimizer', knownPart)
    .option('--json', 'print a JSON Schema of the YAML file, for editors')
    .addHelpText('after', () => `\n${settingsText('')}`)
    .action((part: string | undefined, { json }: { readonly json?: boolean }) => {
      if (json) console.log(JSON.stringify(jsonSchema(), null, 2));
      else console.log(settingsText(part ?? ''));
    });
}

function jsonSchema(): object {
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Settings of moda train',
    ...settingsJsonSchema(runSchema),
  };
}

function knownPart(part: string): string {
  if (entriesOf(part).length > 0) return part;
  throw new InvalidArgumentError('No setting has this in its key. moda settings lists all.');
}

const entriesOf = (part: string) => settingEntries(runSchema).filter(({ key }) => key.includes(part));

/** A key with its default, and below it what it is and what it must be. */
function settingsText(part: string): string {
  return entriesOf(part)
    .flatMap(({ key, defaultText, expects, help }) => [
      `${key}: ${defaultText}`,
      wrapped(`${help} (${expects})`, Math.min(process.stdout.columns ?? COLUMNS, 100), 4),
    ])
    .join('\n');
}
