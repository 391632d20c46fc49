#!/usr/bin/env node
import { Command } from 'commander';
import { outliveOutput } from './cli/closed-output.ts';
import { reportError } from './cli/report-error.ts';
import { registerBench } from './commands/bench.ts';
import { registerDashboard } from './commands/dashboard.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerEval } from './commands/eval.ts';
import { registerExport } from './commands/export.ts';
import { registerChat, registerGenerate } from './commands/generate.ts';
import { registerInfo } from './commands/info.ts';
import { registerModels } from './commands/models.ts';
import { registerSettings } from './commands/settings.ts';
import { registerStudy } from './commands/study.ts';
import { registerTokenize } from './commands/tokenize.ts';
import { registerTrain } from './commands/train.ts';
import { registerTune } from './commands/tune.ts';
import { VERSIONS } from './run/versions.ts';

outliveOutput();
for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => process.exit(reportError(error)));
}

const program = new Command('moda')
  .description('Train, evaluate and study Mixture-of-Depths Attention language models on WebGPU and WebAssembly')
  .version(VERSIONS.trainer, '-V, --version', 'print the version')
  .showHelpAfterError('(moda --help lists the commands)')
  .exitOverride();

for (const register of [
  registerTrain,
  registerEval,
  registerGenerate,
  registerChat,
  registerExport,
  registerModels,
  registerInfo,
  registerSettings,
  registerDoctor,
  registerDashboard,
  registerTokenize,
  registerStudy,
  registerBench,
  registerTune,
]) {
  register(program);
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = reportError(error);
}
