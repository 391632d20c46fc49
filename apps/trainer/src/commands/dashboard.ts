import { isLoopback, type ServedDashboard, serveDashboard } from '@modajs/dashboard';
import { ConfigError } from '@modajs/tensor';
import { type Command, InvalidArgumentError } from 'commander';
import { interruptSignal } from '../cli/interrupt-signal.ts';
import { openInBrowser } from '../run/open-in-browser.ts';
import { isRunsFolder } from '../run/run-folder.ts';

interface DashboardCommandOptions {
  readonly runs: string;
  readonly host: string;
  readonly port: number;
  readonly allowHost: readonly string[];
  readonly open?: boolean;
}

/** `moda dashboard`. */
export function registerDashboard(program: Command): void {
  program
    .command('dashboard')
    .description('serve the dashboard: training runs live, kernels, evaluation, depth attention; on this machine only')
    .option('--runs <folder>', 'where runs are kept', 'runs')
    .option('--port <number>', 'port; 0 takes a free one', port, 7007)
    .option(
      '--host <address>',
      'address to listen on; one that is not loopback opens your runs to the network',
      '127.0.0.1',
    )
    .option('--allow-host <name>', 'a name by which others may call this machine; may be repeated', collect, [])
    .option('--open', 'open it in the browser')
    .action(async (options: DashboardCommandOptions) => {
      const isThere = await isRunsFolder(options.runs);
      const served = await serve(options);
      const stop = interruptSignal(() => void served.close());
      console.log(`dashboard  ${served.url}`);
      console.log(`runs       ${options.runs}`);
      if (!isThere)
        console.log(
          `           there is no such folder yet; train with --out ${options.runs}, or end this and give --runs`,
        );
      if (!isLoopback(options.host)) console.log('warning    whoever reaches this address can read your runs');
      console.log('Ctrl-C ends it');
      if (options.open) openInBrowser(served.url);
      await new Promise((resolve) => stop.addEventListener('abort', resolve));
    });
}

async function serve({ runs, host, port, allowHost }: DashboardCommandOptions): Promise<ServedDashboard> {
  try {
    return await serveDashboard({ runs, host, port, allowedHosts: allowHost });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE')
      throw new ConfigError(`dashboard: port ${port} must be free, it is in use. Use --port 0, or stop what uses it.`, {
        port,
      });
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EACCES')
      throw new ConfigError(`dashboard: cannot listen on ${host}:${port} (${code}). Use --host 127.0.0.1 --port 0.`, {
        host,
        port,
      });
    throw error;
  }
}

function port(value: string): number {
  const number = Number(value);
  if (!Number.isInteger(number) || number < 0 || number > 65_535)
    throw new InvalidArgumentError('It must be a whole number from 0 to 65535.');
  return number;
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value.toLowerCase()];
}
