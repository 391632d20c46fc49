import evidence from 'virtual:evidence';
import type { LossDifference } from '@modajs/build/evidence';
import type { ComponentChildren } from 'preact';
import { compactNumber } from '../../charts/format-number.ts';
import { Term } from '../../terms/term.tsx';
import { PAPER_TABLES, type PaperModel } from '../evaluation/paper-tables.ts';

/** Of the paper's abstract: FLOPs that MoDA adds to the 1.5B model. */
const PAPER_MORE_FLOPS = 0.037;

const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`;
const signed = (value: number, digits: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(digits)}`;

/** A model of the paper's tables, by its label. */
function paper(label: string): PaperModel {
  const found = PAPER_TABLES.flatMap(({ models }) => models).find((model) => model.label === label);
  if (found === undefined) throw new Error(`claims: paper-tables.ts has no model ${label}`);
  return found;
}

function Measured({ of: { difference, standardError, interval, seeds } }: { readonly of: LossDifference }) {
  const isClear = interval[0] > 0 || interval[1] < 0;
  return (
    <>
      <b>
        {signed(difference, 3)} ± {standardError.toFixed(3)} nats
      </b>{' '}
      a token, {seeds} <Term of="seeds">paired seeds</Term>; 95 % interval {signed(interval[0], 3)} to{' '}
      {signed(interval[1], 3)}
      {isClear ? '' : ', which includes 0'}
    </>
  );
}

interface Claim {
  readonly question: ComponentChildren;
  readonly paper: ComponentChildren;
  readonly here: ComponentChildren;
}

const lossOf = (label: string): number => paper(label).loss!['FineWeb-Edu'];
const paperLoss = (norm: 'pre' | 'post'): number => lossOf(`48 ${norm}, + FFN KV`) - lossOf(`48 ${norm}, OLMo 2`);
const average = (label: string): number => paper(label).perplexity!.Average;

function claims(): Claim[] {
  const { preNorm, preNormMatched, postNorm, rival, kernel } = evidence;
  return [
    {
      question: 'What does it cost in FLOPs?',
      paper: (
        <>
          <b>{percent(PAPER_MORE_FLOPS)} more</b> at 1.5 billion parameters
        </>
      ),
      here: (
        <>
          <b>{percent(preNorm.moreFlops)} more</b> at {preNorm.layers} blocks of width {preNorm.width}
        </>
      ),
    },
    {
      question: 'Does it predict text better?',
      paper: (
        <>
          Perplexity{' '}
          <b>
            {average('OLMo2-1.5B').toFixed(2)} → {average('MoDA-1.5B').toFixed(2)}
          </b>
          , mean of ten texts, one run each
        </>
      ),
      here: (
        <>
          <Term of="heldOutLoss">Held-out loss</Term> <Measured of={preNormMatched} />, beside a model{' '}
          <Term of="residualMatched">of as many parameters</Term>
        </>
      ),
    },
    {
      question: (
        <>
          Most of all with <Term of="postNorm">post-norm</Term>?
        </>
      ),
      paper: (
        <>
          Loss <b>{signed(paperLoss('post'), 3)}</b> with post-norm, {signed(paperLoss('pre'), 3)} with pre-norm (48
          blocks, one run each)
        </>
      ),
      here: (
        <>
          <Measured of={postNorm} />; with pre-norm {signed(preNorm.difference, 3)}; both beside a model without slots
          and with fewer parameters
        </>
      ),
    },
    {
      question: 'Do other mechanisms gain more?',
      paper: 'MoDA beside OLMo 2 only',
      here: (
        <>
          {rival.name.replace(/^./, (first) => first.toUpperCase())}: <Measured of={rival} />; MoDA against the same
          baseline {signed(preNorm.difference, 3)}
        </>
      ),
    },
    {
      question: 'Is the kernel fast?',
      paper: (
        <>
          <b>{percent(kernel.paperSpeedShare)}</b> of FlashAttention-2’s speed, forward and backward at{' '}
          {compactNumber(kernel.T / 1024)}K tokens, A100
        </>
      ),
      here: (
        <>
          <b>{percent(kernel.speedShare)}</b> of the speed of this project’s own attention without slots, forward and
          backward at {compactNumber(kernel.T / 1024)}K tokens, {kernel.card}
        </>
      ),
    },
  ];
}

/** What the paper claims beside what was measured here; figures of the paper's tables and of this repository's files. */
export function Claims({ evidenceLink }: { readonly evidenceLink: string }) {
  const { tokens } = evidence.preNorm;
  return (
    <>
      <h2>What is claimed, and what was found</h2>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must take the keyboard's focus */}
      <section class="card table-scroll claims" tabIndex={0} aria-label="Claims and findings">
        <table>
          <thead>
            <tr>
              <th scope="col">Question</th>
              <th scope="col">The paper says</th>
              <th scope="col">Measured here</th>
            </tr>
          </thead>
          <tbody>
            {claims().map(({ question, paper: theirs, here }, i) => (
              <tr key={i}>
                <th scope="row">{question}</th>
                <td data-label="The paper says">{theirs}</td>
                <td data-label="Measured here">{here}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <p class="note">
        Found here with {preNormText(tokens)}: far below the paper’s 400 billion tokens and 1.5 billion parameters, so
        it neither proves nor refutes the paper. <a href={evidenceLink}>Study, seeds, limits and what is missing</a>.
      </p>
    </>
  );
}

function preNormText(tokens: number): string {
  const { layers, width } = evidence.preNorm;
  return `${layers} blocks of width ${width} and ${Math.round(tokens / 1e6)} million tokens`;
}
