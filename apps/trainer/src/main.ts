#!/usr/bin/env node
import { outliveOutput } from './cli/closed-output.ts';
import { createProgram } from './cli/create-program.ts';
import { reportError } from './cli/report-error.ts';

outliveOutput();
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => process.exit(reportError(error)));
}

try {
  await createProgram().parseAsync();
} catch (error) {
  process.exitCode = reportError(error);
}
