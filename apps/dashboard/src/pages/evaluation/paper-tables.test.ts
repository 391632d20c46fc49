import { describe, expect, it } from 'vitest';
import { PAPER_TABLES, PAPER_TASKS, TABLE_5_DOMAINS } from './paper-tables.ts';

const [fourAndFive, three, six] = PAPER_TABLES;
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('the paper’s tables', () => {
  it('were copied without a slip: the printed averages are the averages of the printed values', () => {
    expect(fourAndFive.models).toHaveLength(4);
    for (const { label, accuracy = {}, perplexity = {} } of fourAndFive.models) {
      const tasks = Object.keys(PAPER_TASKS).filter((task) => task !== 'moda_paper');
      expect(tasks).toHaveLength(10);
      expect(Math.abs(mean(tasks.map((task) => accuracy[task])) - accuracy.moda_paper), label).toBeLessThan(0.0101);
      const domains = TABLE_5_DOMAINS.map((domain) => perplexity[domain]);
      expect(Math.abs(mean(domains) - perplexity.Average), label).toBeLessThan(0.0101);
    }
  });

  it('agree where they print the same models', () => {
    const [olmo2, moda] = fourAndFive.models;
    expect(three.models.map(({ accuracy }) => accuracy?.moda_paper)).toEqual([56.93, 57.11, 58.1, 58.87, 58.97]);
    expect(three.models[1].accuracy?.moda_paper).toBe(olmo2.accuracy?.moda_paper);
    expect(three.models[3].accuracy?.moda_paper).toBe(moda.accuracy?.moda_paper);
    expect(six.models).toHaveLength(9);
  });
});
