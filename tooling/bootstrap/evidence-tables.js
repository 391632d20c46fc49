/**
 * Writes the tables of docs/evidence from the studies' own files, between `<!-- table: ... -->` marks, so that no figure is typed by hand.
 *
 *   node tooling/bootstrap/evidence-tables.js           writes them
 *   node tooling/bootstrap/evidence-tables.js --check   fails where they are not what the studies say
 */
import { readFileSync, writeFileSync } from 'node:fs';
import {
  EVIDENCE_FOLDER,
  interval95,
  mean,
  pairedBySeed,
  readStudy,
  standardError,
} from '../build/evidence-studies.js';

const PAGE = new URL('README.md', EVIDENCE_FOLDER);

const studies = new Map();
/** The variant that a study's file compares each variant with. */
const baselines = new Map();
function runsOf(name) {
  if (!studies.has(name)) {
    const study = readStudy(name);
    studies.set(name, study.runs);
    for (const [variant, baseline] of study.baselines) baselines.set(variant, baseline);
  }
  return studies.get(name);
}

const signed = (value, digits) => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;

/** `mean ± standard error`; the mean alone of a single value. */
function withError(values, digits, shown = (value) => value.toFixed(digits)) {
  const center = shown(mean(values), digits);
  return values.length < 2 ? center : `${center} ± ${standardError(values).toFixed(digits)}`;
}

function markdown(header, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Loss of every rate of the sweep, one row a variant. */
function sweep(name) {
  const runs = runsOf(name).filter((run) => run.phase === 'sweep');
  const rates = [...new Set(runs.map((run) => run.values['optimizer.lr']))].sort((a, b) => a - b);
  const rows = [...new Set(runs.map((run) => run.variant))].map((variant) => {
    const at = (rate) => runs.find((run) => run.variant === variant && run.values['optimizer.lr'] === rate);
    return [variant, ...rates.map((rate) => at(rate)?.heldOut.loss.toFixed(4) ?? '')];
  });
  return markdown(['variant', ...rates.map((rate) => `peak rate ${rate}`)], rows);
}

/** Final losses over seeds, and differences from the baseline paired by seed. */
function final(name) {
  const runs = runsOf(name).filter((run) => run.phase === 'final');
  const rows = [...new Set(runs.map((run) => run.variant))].map((variant) => {
    const own = runs.filter((run) => run.variant === variant);
    const losses = own.map((run) => run.heldOut.loss);
    const { differences } = paired(runs, variant, (run) => run.heldOut.loss);
    const cells = differences === null ? ['', ''] : [withError(differences, 4, signed), interval(differences, 4)];
    const speed = Math.round(mean(own.map((run) => run.tokensPerSecond)) / 1000);
    return [
      variant,
      String(own[0].values['optimizer.lr']),
      String(own.length),
      own[0].parameters.toLocaleString('en'),
      withError(losses, 4),
      ...cells,
      `${speed}k`,
    ];
  });
  const header = [
    'variant',
    'peak rate',
    'seeds',
    'parameters',
    'held-out loss (nats)',
    'less baseline',
    '95 % interval',
    'tokens/s',
  ];
  return markdown(header, rows);
}

/** Every measure of a variant less its baseline's, paired by seed. */
function measures(name, variant) {
  const runs = runsOf(name).filter((run) => run.phase === 'final');
  const { own } = paired(runs, variant, () => 0);
  const corpora = Object.keys(own[0].heldOut.corpora).map((corpus) => [
    `held-out loss, ${corpus}`,
    (run) => run.heldOut.corpora[corpus].loss ?? run.heldOut.corpora[corpus],
  ]);
  const others = Object.keys(own[0].measures).map((key) => [
    `bits per byte, ${key.replace('perplexity/', 'stand-in ').replace('task/', 'right answers of ')}`,
    (run) => run.measures[key],
  ]);
  const rows = [...corpora, ...others].map(([label, pick]) => {
    const { differences, baseline } = paired(runs, variant, pick);
    return [label, mean(baseline.map(pick)).toFixed(4), withError(differences, 4, signed), interval(differences, 4)];
  });
  return markdown(['measure', 'baseline', `${variant} less baseline`, '95 % interval'], rows);
}

/** Where the depth part of each block's softmax goes, mean over seeds. */
function depth(name, variant) {
  const runs = runsOf(name).filter((run) => run.phase === 'final' && run.variant === variant);
  const rows = runs[0].depth.depthMass.map((_, block) => [
    String(block),
    ...['depthMass', 'depthEntropy', 'sinkMass'].map((key) =>
      mean(runs.map((run) => run.depth[key][block])).toFixed(3),
    ),
  ]);
  return markdown(['block', 'depth mass', 'entropy of the depth part (nats)', 'mass on the first token'], rows);
}

/** Final losses of one variant less another's, paired by seed: `a<b` for each line. */
function pairs(name, ...comparisons) {
  const runs = runsOf(name).filter((run) => run.phase === 'final');
  const rows = comparisons.map((comparison) => {
    const [variant, baseline] = comparison.split('<');
    const { differences } = paired(runs, variant, (run) => run.heldOut.loss, baseline);
    return [
      variant,
      baseline,
      String(differences.length),
      withError(differences, 4, signed),
      interval(differences, 4),
      differences.map((value) => signed(value, 4)).join(', '),
    ];
  });
  return markdown(['variant', 'less', 'seeds', 'difference (nats)', '95 % interval', 'by seed'], rows);
}

function paired(runs, variant, pick, against = baselines.get(variant)) {
  return pairedBySeed(runs, variant, against, pick);
}

function interval(differences, digits) {
  return (
    interval95(differences)
      ?.map((end) => signed(end, digits))
      .join(' to ') ?? ''
  );
}

const tables = { sweep, final, pairs, measures, depth };
const page = readFileSync(PAGE, 'utf8');
const made = page.replace(/<!-- table: (.+?) -->[\s\S]*?<!-- end -->/g, (_, call) => {
  const [kind, ...args] = call.split(' ');
  return `<!-- table: ${call} -->\n${tables[kind](...args)}\n<!-- end -->`;
});
if (process.argv.includes('--check')) {
  if (made !== page) {
    console.error(
      'evidence: docs/evidence/README.md is not what the studies say. Run node tooling/bootstrap/evidence-tables.js.',
    );
    process.exit(1);
  }
} else writeFileSync(PAGE, made);
