import { readFileSync } from 'node:fs';
import { axeProblems } from '@modajs/browser';
import { comparePerplexity, compareResults } from '@modajs/eval';
import { lossTable, readStudyFile, studyCharts, summarizeStudy } from '@modajs/train';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { jsonFile, perplexityReport, taskResults } from './evaluation-data.ts';
import { type DashboardUnderTest, openDashboard, type Page } from './open-dashboard.ts';

let dashboard: DashboardUnderTest;
beforeAll(async () => {
  dashboard = await openDashboard();
});
afterAll(() => dashboard?.close());

/** Text of the cell in a row and a column, both by their heads. */
function cell(page: Page, row: string, column: string): Promise<string> {
  return page.evaluate(
    ([rowName, columnName]) => {
      for (const table of document.querySelectorAll('table.scores')) {
        const heads = [...table.querySelectorAll('thead .sort')].map((head) => head.textContent?.replace(/[↓↑]/, ''));
        const found = [...table.querySelectorAll('tbody tr')].find(
          (candidate) => candidate.querySelector('th')?.textContent === rowName,
        );
        const at = heads.indexOf(columnName);
        if (found && at > 0) return found.querySelectorAll('td:not(.chance)')[at - 1].textContent ?? '';
      }
      return `no cell ${rowName}, ${columnName}`;
    },
    [row, column] as const,
  );
}

/** The JSON of the n-th table's download. */
async function downloaded(page: Page, table: number) {
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.locator('.downloads button', { hasText: 'JSON' }).nth(table).click(),
  ]);
  return JSON.parse(readFileSync(await file.path(), 'utf8')) as {
    baseline: string;
    cells: { row: string; model: string; value: number; standardError: number | null; pValue: number | null }[];
  };
}

describe('evaluation page', () => {
  it('shows the figures of the paper before any file is added [browser]', async () => {
    const { page, errors } = await dashboard.open('#/evaluation');
    await page.waitForSelector('table.scores');
    expect(await cell(page, 'WinoGrande', 'MoDA-700M')).toBe('60.22▲better by +4.89');
    expect(await cell(page, 'PIQA', 'MoDA-700M')).toBe('73.39▼worse by −0.33');
    expect(await cell(page, 'Average', 'MoDA-1.5B')).toMatch(/^64\.39/);
    expect(await cell(page, 'm2d2-s2orc', 'MoDA-700M')).toBe('23.64▲better by −0.73');
    await page.click('text=Table 6');
    await page.selectOption('label:has-text("Unit") select', 'loss');
    expect(await cell(page, 'FineWeb-Edu', '48 post, + FFN KV')).toMatch(/^3\.3484/);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('compares added results: values, errors and stars are those of the library [browser]', async () => {
    const [a, b] = await Promise.all([
      taskResults('baseline', (i) => i % 2 === 0),
      taskResults('moda', (i) => i % 2 === 0 || i % 30 === 1),
    ]);
    const { page, errors } = await dashboard.open('#/evaluation');
    await page.setInputFiles('input[type=file]', [jsonFile('a.json', a), jsonFile('b.json', b)]);
    await page.waitForSelector('.difference.significant');
    const compared = compareResults(a, b).differences.find(
      ({ task, metric }) => task === 'arc_easy' && metric === 'primary',
    )!;
    expect(compared.significant).toBe(true);
    expect(await page.locator('tr:has(th:text-is("ARC-Easy")) .chance').first().textContent()).toBe('25.00');
    expect(await page.locator('th.file .detail').allTextContents()).toEqual([
      'baseline · a.json: 0 examples',
      'b.json: 0 examples',
    ]);
    const { baseline, cells } = await downloaded(page, 0);
    expect(baseline).toBe('baseline');
    const moda = cells.find((entry) => entry.row === 'ARC-Easy' && entry.model === 'moda')!;
    expect(moda.value).toBeCloseTo(100 * compared.b, 10);
    expect(moda.standardError).toBeCloseTo(100 * Number(b.results.arc_easy['primary_stderr,none']), 10);
    expect(moda.pValue).toBe(compared.pValue);
    expect(await cell(page, 'ARC-Easy', 'moda')).toContain(
      `▲better by +${(100 * compared.difference).toFixed(2)}*, significant`,
    );
    await page.selectOption('label:has-text("Baseline") >> nth=0 >> select', { label: 'moda (b.json)' });
    await page.waitForSelector('.difference.worse.significant');
    expect(await cell(page, 'ARC-Easy', 'baseline')).toContain('▼worse by −');
    expect(errors).toEqual([]);
    await page.close();
  });

  it('compares perplexity by domain with paired documents, and sorts by a column [browser]', async () => {
    const [a, b] = await Promise.all([
      perplexityReport('plain', (n) => 1.2 + (n % 7) / 10),
      perplexityReport('deep', (n) => 1.18 + (n % 7) / 10),
    ]);
    const { page, errors } = await dashboard.open('#/evaluation');
    await page.setInputFiles('input[type=file]', [jsonFile('plain.json', a), jsonFile('deep.json', b)]);
    await page.waitForSelector('.difference.significant');
    const compared = comparePerplexity(a, b).differences[0];
    const { cells } = await downloaded(page, 1);
    const deep = cells.find((entry) => entry.row === 'Wiki-text' && entry.model === 'deep')!;
    expect(deep).toMatchObject({ value: compared.b, pValue: compared.pValue });
    expect(deep.standardError).toBe(b.domains[0].perplexityStandardError);
    const order = async (): Promise<string[]> =>
      page.locator('table.scores').nth(1).locator('tbody th').allTextContents();
    const head = page.locator('table.scores').nth(1).locator('th', { hasText: 'MoDA-700M' });
    await head.locator('button').click();
    expect(await head.getAttribute('aria-sort')).toBe('descending');
    expect((await order()).slice(0, 3)).toEqual(['Reddit', 'm2d2-s2orc', 'CC']);
    await head.locator('button').click();
    expect((await order()).slice(0, 3)).toEqual(['Stack', 'peS2o', 'Pile']);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('opens a study: losses with paired differences, sweeps and charts, as the library has them [browser]', async () => {
    const path = new URL('../../../docs/evidence/a-mechanism.json', import.meta.url);
    const study = readStudyFile('study.json', JSON.parse(readFileSync(path, 'utf8')));
    const { page, errors } = await dashboard.open('#/evaluation');
    await page.setInputFiles('input[type=file]', [jsonFile('study.json', study)]);
    const result = page.locator('section[aria-label="Final held-out loss, table"]');
    const expected = lossTable(summarizeStudy(study)).rows.find(([variant]) => variant === 'pre/moda')!;
    const row = result.locator('tbody tr', { has: page.locator('th', { hasText: /^pre\/moda$/ }) });
    expect(await row.locator('th, td').allTextContents()).toEqual(expected);
    const charts = page.locator('.study-charts img');
    expect(await charts.count()).toBe(studyCharts(study).length);
    const widths = await charts.evaluateAll((images) =>
      images.map((image) => (image as HTMLImageElement).naturalWidth),
    );
    expect(Math.min(...widths)).toBeGreaterThan(0);
    expect(await axeProblems(page)).toEqual([]);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('says what is wrong with a file and keeps the others [browser]', async () => {
    const { page, errors } = await dashboard.open('#/evaluation');
    const good = await taskResults('good', (i) => i % 3 > 0);
    await page.setInputFiles('input[type=file]', [
      jsonFile('good.json', good),
      jsonFile('other.json', { hello: 1 }),
      { name: 'torn.json', mimeType: 'application/json', buffer: Buffer.from('{"results": {"arc') },
    ]);
    await page.waitForSelector('[role=alert]');
    const alert = (await page.textContent('[role=alert]')) ?? '';
    expect(alert).toContain('other.json: the file must hold "results"');
    expect(alert).toContain('torn.json: the file must be JSON');
    expect(await cell(page, 'ARC-Easy', 'good')).toMatch(/^\d+\.\d\d ± \d/);
    await page.click('[aria-label="Remove good"]');
    expect(await page.locator('.files li').count()).toBe(0);
    expect(errors).toEqual([]);
    await page.close();
  });
});
