import { readFileSync } from 'node:fs';
import { interval95, mean, pairedBySeed, readStudy, standardError } from './evidence-studies.js';

const NAME = 'virtual:evidence';
const KERNELS = new URL('../../benchmarks/moda-h100.json', import.meta.url);

/** A variant's held-out loss less another's, nats per token, paired by seed. */
function lossDifference(runs, variant, against) {
  const { differences, own, baseline } = pairedBySeed(runs, variant, against, (run) => run.heldOut.loss);
  const flops = (of) => mean(of.map((run) => run.flopsPerToken));
  return {
    seeds: differences.length,
    difference: mean(differences),
    standardError: standardError(differences),
    interval: interval95(differences),
    moreFlops: flops(own) / flops(baseline) - 1,
    layers: own[0].model.nLayers,
    width: own[0].model.dModel,
    tokens: own[0].inputs.tokens,
  };
}

/** The rival with the lowest loss against the baseline, of those with as many seeds as MoDA. */
function bestRival(final, seeds) {
  const names = new Set(final.map((run) => run.variant).filter((variant) => variant.startsWith('rivals/')));
  return [...names]
    .map((variant) => ({
      name: variant.slice('rivals/'.length).replaceAll('-', ' '),
      ...lossDifference(final, variant, 'pre/residual'),
    }))
    .filter((rival) => rival.seeds >= seeds)
    .sort((a, b) => a.difference - b.difference)[0];
}

/** What docs/evidence and the benchmarks hold beside the paper's claims; read anew with each build. */
export function readEvidence() {
  const { runs } = readStudy('a-mechanism');
  const final = runs.filter((run) => run.phase === 'final');
  const kernels = JSON.parse(readFileSync(KERNELS, 'utf8'));
  const longest = kernels.extraTime.filter(({ G, L }) => G === 8 && L === 64).sort((a, b) => b.T - a.T)[0];
  const preNorm = lossDifference(final, 'pre/moda', 'pre/residual');
  return {
    preNorm,
    rival: bestRival(final, preNorm.seeds),
    preNormMatched: lossDifference(final, 'pre/moda', 'pre/residual-matched'),
    postNorm: lossDifference(final, 'post/moda', 'post/residual'),
    kernel: {
      T: longest.T,
      speedShare: longest.attentionMs / longest.modaMs,
      paperSpeedShare: 1 - longest.paperPercent / 100,
      card: kernels.adapter.replace(/^NVIDIA /, '').split(' ')[0],
    },
  };
}

/** Vite: `import evidence from 'virtual:evidence'` is what `readEvidence` gives at build time, so that no figure is typed by hand. */
export function evidenceVite() {
  return {
    name: 'moda-evidence',
    resolveId: (id) => (id === NAME ? `\0${NAME}` : undefined),
    load: (id) => (id === `\0${NAME}` ? `export default ${JSON.stringify(readEvidence())};` : undefined),
  };
}
