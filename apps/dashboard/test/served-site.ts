import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServedDashboard, serveDashboard } from '../src/server/index.ts';
import { type DashboardUnderTest, type OpenPage, openDashboard, openPage } from './open-dashboard.ts';

/** The built page as `moda dashboard` serves it, over a new runs folder. */
export interface ServedSite {
  readonly runs: string;
  readonly dashboard: DashboardUnderTest;
  open(hash: string, options?: Parameters<typeof openPage>[2]): Promise<OpenPage>;
  /** Ends the server and starts one on the same port, as after a crash. */
  restart(whileDown?: () => void): Promise<void>;
  close(): Promise<void>;
}

/** Builds the page and serves it with its own server, its policy and isolation. */
export async function serveSite(): Promise<ServedSite> {
  const dashboard = await openDashboard();
  const runs = mkdtempSync(join(tmpdir(), 'moda-runs-'));
  const start = (port: number): Promise<ServedDashboard> =>
    serveDashboard({ runs, site: dashboard.site, port, pollMs: 100 });
  let server = await start(0);
  return {
    runs,
    dashboard,
    open: (hash, options) => openPage(dashboard.browser, `${server.url}${hash}`, options),
    async restart(whileDown) {
      const port = Number(new URL(server.url).port);
      await server.close();
      whileDown?.();
      server = await start(port);
    },
    async close() {
      await server.close();
      await dashboard.close();
      rmSync(runs, { recursive: true, force: true });
    },
  };
}
