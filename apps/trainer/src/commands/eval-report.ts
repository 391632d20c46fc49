import { type EvaluationResults, IS_CHOSEN, type ScoreRow, scoreRows } from '@modajs/eval';
import { escapeHtml, reportPage, scrolled, section } from '@modajs/train';

const STYLE = `
.scores td, .scores thead th { white-space: nowrap; font-variant-numeric: tabular-nums; }
.bar { position: relative; width: 16rem; background: var(--box); }
.bar * { position: absolute; top: 15%; height: 70%; }
.value { left: 0; background: var(--accent); opacity: .55; } .error { background: var(--text); top: 45%; height: 10%; }
.chance { width: 0; border-left: 2px dashed var(--text); top: 0; height: 100%; }
`;

const percent = (share: number): string => `${(100 * Math.min(1, Math.max(0, share))).toFixed(2)}%`;

/** A score between 0 and 1 as a bar, with its 95 % interval and the chance level. The numbers stand beside it. */
function bar({ value, standardError, chance }: ScoreRow): string {
  const [low, high] = [-1, 1].map((sign) => Math.min(1, Math.max(0, value + sign * 1.96 * standardError)));
  const parts = [`<span class="value" style="width:${percent(value)}"></span>`];
  if (high > low) parts.push(`<span class="error" style="left:${percent(low)};width:${percent(high - low)}"></span>`);
  if (chance !== undefined) parts.push(`<span class="chance" style="left:${percent(chance)}"></span>`);
  return `<div class="bar" aria-hidden="true">${parts.join('')}&nbsp;</div>`;
}

function scoreLine(row: ScoreRow): string {
  const { name, metric, documents, value, standardError, chance } = row;
  const isShare = metric === 'primary' || IS_CHOSEN[metric] || metric === 'acc_greedy';
  const cells = [
    `${value.toFixed(4)} ± ${standardError.toFixed(4)}`,
    chance === undefined ? '' : chance.toFixed(4),
    isShare ? bar(row) : '',
    metric,
    documents === undefined ? '' : String(documents),
  ];
  return `<tr><th scope="row">${escapeHtml(name)}</th>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`;
}

/**
 * Results of `moda eval` as one HTML file that loads nothing: a line for every task, group and metric, drawn where it is a share of right
 * answers, beside what a guess gets.
 */
export function evaluationReport(results: EvaluationResults): string {
  // A task's primary metric has a row of its own; a group may have nothing else.
  const rows = scoreRows(results).filter(({ metric, shots }) => metric !== 'primary' || shots === undefined);
  const head = ['task', 'value ± error', 'chance', '0 to 1', 'metric', 'documents'];
  const table = `<table class="scores"><thead><tr>${head.map((heading) => `<th scope="col">${heading}</th>`).join('')}</tr></thead><tbody>${rows.map(scoreLine).join('')}</tbody></table>`;
  const incomplete = results.incomplete.map(({ message }) => `<li>${escapeHtml(message)}</li>`);
  const note =
    '<p class="note">Errors are standard errors; the thin line is the 95 % interval. The dashed line is chance: what a guess among each document’s choices gets right. A model whose interval has it inside may know nothing of the task.</p>';
  return reportPage(
    `${results.model_name}: tasks`,
    [
      `<p>Measured on ${escapeHtml(results.device)}, ${new Date(results.date * 1000).toISOString().slice(0, 10)}, with the prompts of ${escapeHtml(String(results.config.style))}.</p>`,
      ...(incomplete.length > 0 ? [section('Not a complete run', `<ul>${incomplete.join('')}</ul>`)] : []),
      section('Scores', note, scrolled('Scores', table)),
    ].join('\n'),
    STYLE,
  );
}
