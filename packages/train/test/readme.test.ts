import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';

describe('the README', () => {
  it('has an example that trains [cpu]', async () => {
    const readme = await readFile(new URL('../README.md', import.meta.url), 'utf8');
    const code = /```js\n([\s\S]*?)```/.exec(readme)![1];
    const lines: unknown[][] = [];
    const body = code.replace(/import \{([^}]*)\} from '([^']*)';/g, "const {$1} = await load('$2');");
    const modules: Record<string, unknown> = {
      '@modajs/models': await import('@modajs/models'),
      '@modajs/tensor': await import('@modajs/tensor'),
      '@modajs/train': await import('../src/index.ts'),
    };
    const run = new Function('load', 'console', `return (async () => { ${body} })();`);
    await run((name: string) => modules[name], { log: (...line: unknown[]) => void lines.push(line) });
    // Steps, the summary, pieces of text.
    expect(lines[20][0]).toMatchObject({ step: 20, interrupted: false });
    expect(lines.length).toBeGreaterThan(21);
    expect(lines[19][1] as number).toBeLessThan((lines[0][1] as number) * 0.8);
  }, 240_000);
});
