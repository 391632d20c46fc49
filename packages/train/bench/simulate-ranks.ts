/**
 * Speed-up of ranks that nobody here has, as Markdown tables: `node tooling/simulate-ranks/main.js` prints those of
 * docs/simulated-ranks.md; `--step-ms 16.3 --parameters 10e6 [--every 100] [--jitter 0.05] [--hours-between-failures 1000]`
 * is for a model and a device of one's own.
 */
import { parseArgs } from 'node:util';
import { type RankSimulation, type SimulatedSync, simulateRanks } from '../src/distributed/simulate-ranks.ts';

const { values } = parseArgs({
  options: {
    'step-ms': { type: 'string' },
    parameters: { type: 'string' },
    every: { type: 'string', default: '30' },
    jitter: { type: 'string', default: '0.05' },
    stragglers: { type: 'string', default: '0' },
    'hours-between-failures': { type: 'string' },
  },
});

const models =
  values['step-ms'] === undefined
    ? [
        { name: '`small` (10M) on one H200 a rank, 32 x 512 tokens', stepMs: 16.3, parameters: 10e6 },
        { name: '700M on one H200 a rank, a step of 1 s', stepMs: 1000, parameters: 700e6 },
      ]
    : [{ name: 'given', stepMs: Number(values['step-ms']), parameters: Number(values.parameters) }];

const links = [
  ['100 Mbit/s, 20 ms', 100e6, 20],
  ['1 Gbit/s, 5 ms', 1e9, 5],
  ['10 Gbit/s, 0.2 ms', 10e9, 0.2],
  ['100 Gbit/s, 0.02 ms', 100e9, 0.02],
] as const;

const every = Number(values.every);
const fragments = 3;
const diloco = (steps: number, bytesPerParameter: number): SimulatedSync => {
  return { kind: 'diloco', bytesPerParameter, every: steps, fragments, delay: Math.floor(steps / fragments) - 1 };
};
const modes: readonly (readonly [string, SimulatedSync])[] = [
  ['exact, f32', { kind: 'exact', bytesPerParameter: 4 }],
  [`diloco ${every}, f16`, diloco(every, 2)],
  [`diloco ${every}, int8`, diloco(every, 1.016)],
  ['diloco 300, int8', diloco(300, 1.016)],
];
const hoursBetween = values['hours-between-failures'];
const failures =
  hoursBetween === undefined
    ? undefined
    : {
        hoursBetween: Number(hoursBetween),
        restartMs: 300_000,
        checkpointEveryMs: 1_800_000,
        patienceMs: 60_000,
      };
const counts = [8, 64, 256, 1024];

for (const { name, stepMs, parameters } of models) {
  console.log(`\n${name}\n`);
  console.log(`| link of a rank | mode | ${counts.map((count) => `${count} ranks`).join(' | ')} |`);
  console.log(`|---|---|${counts.map(() => '---:').join('|')}|`);
  for (const [link, bitsPerSecond, latencyMs] of links) {
    for (const [mode, sync] of modes) {
      const cells = counts.map((ranks) => {
        const simulation: RankSimulation = {
          ranks,
          steps: 3 * (sync.kind === 'diloco' ? sync.every : every),
          parameters,
          sync,
          link: { bitsPerSecond, latencyMs },
          stepMs,
          jitter: Number(values.jitter),
          stragglers: { count: Number(values.stragglers), slower: 0.5 },
          failures,
        };
        const { speedUp } = simulateRanks(simulation);
        return speedUp < 10 ? speedUp.toFixed(2) : speedUp.toFixed(0);
      });
      console.log(`| ${link} | ${mode} | ${cells.join(' | ')} |`);
    }
  }
}
