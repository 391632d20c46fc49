import { describe, expect, it } from 'vitest';
import type { MetricsRow } from '../metrics/metrics-log.ts';
import { escapeHtml, shortNumber } from './html.ts';
import { lineChart } from './line-chart.ts';
import { reportHtml } from './report-html.ts';

const content = {
  title: 'run <1>',
  facts: [['device', 'cpu & co']] as const,
  metrics: [
    { step: 1, loss: 4 },
    { step: 2, loss: Number.NaN },
    { step: 3, loss: 3, heldOutLoss: 3.5, heldOutBitsPerByte: 2.75 },
  ],
  yardsticks: [4.46, 3.44],
  samples: [{ prompt: 'Call', text: ' me <b>"Ishmael"</b>' }],
  attention: [
    { layer: 1, head: 0, T: 2, sequence: [1, 0, 0.25, 0.5], S: 1, depth: [0, 0.25], tokens: [' a<&verylong', 'b'] },
  ],
  config: { seed: 1 },
};

describe('reportHtml', () => {
  it('is one file that loads nothing and shows text as text', () => {
    const html = reportHtml(content);
    expect(html).not.toMatch(/(src|href)=|@import|url\(/);
    expect(html).toContain('run &#60;1&#62;');
    expect(html).toContain(' me &#60;b&#62;&#34;Ishmael&#34;');
    expect(html).toContain('2.75');
    expect(html).toContain('order 1: 3.44');
  });

  it.each(['<img src=x onerror=alert(1)>', 'NaN', null, {}])('shows %j in place of a number as none', (value) => {
    const row = { step: 3, loss: value, heldOutLoss: value, heldOutBitsPerByte: value } as unknown as MetricsRow;
    const html = reportHtml({ ...content, metrics: [row] });
    expect(html).not.toContain('<img');
    expect(html).toContain('<td>this model</td><td>NaN</td>');
  });

  it('draws an attention cell for each probability above 0, and the boundary', () => {
    const map = /<svg[^>]*aria-label="layer 1[^>]*>.*?<\/svg>/s.exec(reportHtml(content))![0];
    expect(map.match(/<rect/g)).toHaveLength(4);
    expect(map).toContain('>·a&#60;&#38;very…</text>');
    expect(map).toContain('stroke-dasharray');
  });

  it('shows another run beside this one, and the commands that come next', () => {
    const html = reportHtml({
      ...content,
      beside: {
        name: 'residual',
        label: 'residual <x>',
        metrics: [{ step: 3, heldOutLoss: 3.6, heldOutBitsPerByte: 2.8 }],
      },
      next: [['moda chat "a b"', 'talks']],
    });
    expect(html).toContain('this model 2.75 bits per byte, residual &#60;x&#62; 2.8.');
    expect(html.match(/<circle/g)).toHaveLength(4);
    expect(html).toContain('>held out, residual</text>');
    expect(html).toContain('<dt><code>moda chat &#34;a b&#34;</code></dt><dd>talks</dd>');
    expect(reportHtml(content)).not.toContain('<dl');
  });

  it('works for a run that logged nothing', () => {
    const html = reportHtml({ ...content, metrics: [], samples: [], attention: [], yardsticks: [] });
    expect(html).toContain('no points');
    expect(html).toContain('no map to show');
  });
});

describe('lineChart', () => {
  it('leaves a gap where a value is not finite and survives a single point', () => {
    const chart = (points: [number, number][]) =>
      lineChart({ title: 't', xLabel: 'x', yLabel: 'y', series: [{ label: 's', colour: 'red', points }] });
    const path = /<path d="([^"]*)"/.exec(
      chart([
        [0, 1],
        [1, 2],
        [2, Number.NaN],
        [3, 1],
        [4, 2],
      ]),
    )![1];
    expect(path.match(/M/g)).toHaveLength(2);
    expect(chart([[5, 1]])).not.toContain('NaN');
  });
});

describe('html', () => {
  it('escapes and shortens', () => {
    expect(escapeHtml('<a b="c">&\'')).toBe('&#60;a b=&#34;c&#34;&#62;&#38;&#39;');
    expect([shortNumber(0.123456), shortNumber(1234567), shortNumber(3)]).toEqual(['0.1235', '1,234,567', '3']);
  });
});
