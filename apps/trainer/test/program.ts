/** What tests call of the command line in their own process (run-here.ts); bundled beside the program itself. */
export { createProgram } from '../src/cli/create-program.ts';
export { reportError } from '../src/cli/report-error.ts';
