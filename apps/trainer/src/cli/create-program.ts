import { Command } from 'commander';
import { registerBench } from '../commands/bench.ts';
import { registerDashboard } from '../commands/dashboard.ts';
import { registerDoctor } from '../commands/doctor.ts';
import { registerEval } from '../commands/eval.ts';
import { registerExport } from '../commands/export.ts';
import { registerChat, registerGenerate } from '../commands/generate.ts';
import { registerInfo } from '../commands/info.ts';
import { registerModels } from '../commands/models.ts';
import { registerSettings } from '../commands/settings.ts';
import { registerStudy } from '../commands/study.ts';
import { registerTokenize } from '../commands/tokenize.ts';
import { registerTrain } from '../commands/train.ts';
import { registerTune } from '../commands/tune.ts';
import { VERSIONS } from '../run/versions.ts';

/** The command line `moda` with all its commands; an error ends `parseAsync` instead of the process. */
export function createProgram(): Command {
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
  return program;
}
