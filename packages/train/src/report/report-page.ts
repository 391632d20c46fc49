import { escapeHtml } from './html.ts';
import { CHART_STYLE } from './line-chart.ts';

const REPORT_STYLE = `
:root { color-scheme: light dark; --text: #222; --soft: #555; --line: #e2e2e2; --box: #f4f5f7; --page: #fff; --accent: #1f5fae; }
@media (prefers-color-scheme: dark) { :root { --text: #e4e6ea; --soft: #b3b8c0; --line: #383d45; --box: #22262c; --page: #16181c; --accent: #8ab8f0; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 860px; margin: 2rem auto; padding: 0 1rem; color: var(--text); background: var(--page); }
h1 { font-size: 1.5rem; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; } td, th { padding: 2px 14px 2px 0; text-align: left; vertical-align: top; }
td { overflow-wrap: anywhere; } th { min-width: 7rem; }
${CHART_STYLE.trim()}
.chart { overflow-x: auto; } .chart svg { min-width: 640px; } .boundary { stroke: var(--soft); }
.map { margin: 4px 12px 4px 0; } svg.map text { font-size: 9px; } .maps { overflow-x: auto; }
blockquote { margin: .6rem 0; padding: .4rem 1rem; border-left: 3px solid var(--line); white-space: pre-wrap; overflow-wrap: anywhere; }
blockquote b { font-weight: 600; } pre { background: var(--box); padding: 1rem; overflow-x: auto; font-size: 12px; }
.next { background: var(--box); padding: .6rem 1rem; border-radius: 6px; } .next code { overflow-wrap: anywhere; color: var(--accent); }
.next dd { margin: 0 0 .5rem; color: var(--soft); } summary { cursor: pointer; } .note { color: var(--soft); font-size: 14px; }
`;

/**
 * A report as one HTML file that loads nothing: in the dark and in the light, and on a narrow screen.
 *
 * @param style what this report's parts need beside the style of all
 */
export function reportPage(title: string, body: string, style = ''): string {
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title><style>${REPORT_STYLE}${style}</style></head>
<body><main><h1>${escapeHtml(title)}</h1>
${body}
</main></body></html>
`;
}

/** A heading and what stands below it. */
export function section(heading: string, ...parts: readonly string[]): string {
  return `<h2>${escapeHtml(heading)}</h2>\n${parts.join('\n')}`;
}

/** A part that is wider than a small screen, to be scrolled by itself. */
export function scrolled(label: string, body: string, kind = 'chart'): string {
  return `<div class="${kind}" tabindex="0" role="region" aria-label="${escapeHtml(label)}">${body}</div>`;
}
