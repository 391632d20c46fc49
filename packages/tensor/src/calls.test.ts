import { describe, expect, it } from 'vitest';
import * as module from './index.ts';
import { describeCalls } from './testing/call-grid.ts';
import { gapsOf } from './testing/calls/check-calls.ts';
import { moreTensorCalls, tensorCalls, tensorExempt } from './testing/calls/tensor-calls.ts';
import { messagesPage, type Refusal } from './testing/messages-page.ts';

const table = { ...tensorCalls, ...moreTensorCalls };
const refusals = new Map<string, Refusal[]>();

/** What a function says to wrong arguments on the first device that tries it. */
const collect = (name: string) => {
  const said: Refusal[] = [];
  if (!refusals.has(name)) refusals.set(name, said);
  return (label: string, message: string) => void said.push({ name, label, message });
};

describe('calls', () => {
  it('every exported function and method has its calls', () => {
    expect(gapsOf(module, tensorCalls, tensorExempt)).toEqual([]);
  });
  for (const device of ['reference', 'cpu'] as const) {
    describeCalls(device, table, { device, threads: 2 }, collect);
  }

  it('docs/messages.md has every message', async () => {
    expect(refusals.size, 'run all tests of this file').toBe(Object.keys(table).length);
    await expect(messagesPage([...refusals.values()].flat())).toMatchFileSnapshot('../../../docs/messages.md');
  });
});
