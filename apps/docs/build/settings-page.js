import { runSchema, settingEntries } from '@modajs/train';

const cell = (text) => text.replace(/[\\|<>{}[\]*_]/g, '\\$&');

/** Markdown of every setting of a training run, from the schema that `moda train` checks with. */
export function settingsPage() {
  const entries = settingEntries(runSchema);
  const sectionOf = ({ key }) => (key.includes('.') ? key.slice(0, key.indexOf('.')) : 'general');
  const sections = [...new Set(entries.map(sectionOf))];
  return [
    '# Settings of a training run',
    '',
    'Every key of a YAML file (`moda train --config run.yaml`) and of `--set key=value`, with its default. Presets change some of them:',
    '`moda info tiny --json` shows the settings that a preset has. `moda help settings` prints this list in a terminal.',
    '',
    'For completion and checks in an editor write the schema with `moda settings --json > settings.schema.json`, and put',
    '`# yaml-language-server: $schema=settings.schema.json` into the first line of the YAML file.',
    '',
    ...sections.flatMap((section) => [
      `## ${section}`,
      '',
      '| setting | default | must be | what it is |',
      '|---|---|---|---|',
      ...entries
        .filter((entry) => sectionOf(entry) === section)
        .map(
          ({ key, defaultText, expects, help }) =>
            `| \`${key}\` | \`${defaultText}\` | ${cell(expects)} | ${cell(help)} |`,
        ),
      '',
    ]),
  ].join('\n');
}
