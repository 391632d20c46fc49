import { countParameters, type ModelFamily } from '@modajs/models';
import type { ExportedModel } from './hugging-face-files.ts';

/** `README.md` of an exported model: what it is, what it came from, how to run it. */
export function modelCard({ name, config, origin }: ExportedModel, family: ModelFamily | null): string {
  const { nLayers, dModel, nHeads, nKvHeads, vocabSize, seqLen, depth } = config;
  const front = [
    '---',
    family === null ? 'library_name: modajs' : 'library_name: transformers',
    'pipeline_tag: text-generation',
    ...(origin === null ? [] : [`base_model: ${JSON.stringify(origin)}`]),
    '---',
  ];
  const rows = [
    ['parameters', countParameters(config).toLocaleString('en')],
    ['architecture', family ?? `moda (${depth.kind})`],
    ['blocks, width', `${nLayers}, ${dModel}`],
    ['query and key/value heads', `${nHeads}, ${nKvHeads}`],
    ['vocabulary', vocabSize.toLocaleString('en')],
    ['trained length', String(seqLen)],
    ['trained from', origin ?? 'random weights, or unknown'],
  ];
  const runs =
    family === null
      ? 'Runs with `moda generate` (`npm install --global @modajs/trainer`): `transformers` has no such architecture.'
      : 'Runs with `transformers` and with `moda generate`.';
  return [
    ...front,
    '',
    `# ${name}`,
    '',
    '| what | value |',
    '|---|---|',
    ...rows.map(([what, value]) => `| ${what} | ${value} |`),
    '',
    runs,
    '',
    '```sh',
    'moda generate . --prompt "Once upon a time"',
    '```',
    '',
    'The data, the evaluation and the licence are not known to the program that wrote this card: add them.',
    '',
  ].join('\n');
}
