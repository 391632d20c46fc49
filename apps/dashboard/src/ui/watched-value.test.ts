import { expect, it } from 'vitest';
import { WatchedValue } from './watched-value.ts';

it('tells its followers of each change until they end that', () => {
  const watched = new WatchedValue('a');
  const seen: string[] = [];
  const end = watched.follow(() => seen.push(watched.value));
  watched.value = 'b';
  watched.value = 'c';
  end();
  watched.value = 'd';
  expect(seen).toEqual(['b', 'c']);
  expect(watched.value).toBe('d');
});
