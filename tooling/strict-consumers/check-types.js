/**
 * The types that a user gets, as the strictest user compiles them: every entry of every public package, from its tarball, with
 * `skipLibCheck: false`, without the DOM library, `@types/node` and `@webgpu/types`, by each TypeScript that we support and both
 * module resolutions. An entry whose subject is WebGPU or Node stands in `NEEDS` and its README names what it needs.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import ts54 from 'typescript-5.4';
import ts59 from 'typescript-5.9';
import ts60 from 'typescript-6.0';

const RESOLUTIONS = ['Bundler', 'NodeNext'];
/** `using` and `[Symbol.dispose]` are declared by one small library; without it no resource can be typed. */
const LIBRARY = ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'];
/** What the strict consumer lacks and an entry may ask for, if the README of its package says so. */
const NEEDS = {
  '@modajs/bench': '@webgpu/types',
  '@modajs/dashboard': '@types/node',
  '@modajs/kernels/executor': '@webgpu/types',
  '@modajs/kernels/testing': '@webgpu/types',
  '@modajs/tensor/gpu': '@webgpu/types',
};

/** A package with what a strict consumer does not know. Where none of it is refused, the check does not look. */
const PLANTED = '@modajs/planted';
const PLANTED_NAMES = ['Buffer', 'HTMLElement', 'GPUDevice', 'setTimeout'];
const PLANTED_TYPES = PLANTED_NAMES.map((name) => `export declare const the${name}: typeof ${name};\n`).join('');

/** Lays the tarballs out as a package manager would, in `folder/node_modules`, with what they depend on beside them. */
function installTarballs(folder, tarballs, packages) {
  const modules = join(folder, 'node_modules');
  for (const { name, folder: source, manifest } of packages) {
    const target = join(modules, name);
    mkdirSync(target, { recursive: true });
    execFileSync('tar', ['-xzf', tarballs[name], '-C', target, '--strip-components=1']);
    for (const dependency of Object.keys(manifest.dependencies ?? {})) {
      const link = join(modules, dependency);
      if (dependency.startsWith('@modajs/') || existsSync(link)) continue;
      mkdirSync(dirname(link), { recursive: true });
      symlinkSync(join(source, 'node_modules', dependency), link);
    }
  }
  const planted = { name: PLANTED, type: 'module', exports: { '.': { types: './index.d.ts' } } };
  mkdirSync(join(modules, PLANTED), { recursive: true });
  writeFileSync(join(modules, PLANTED, 'package.json'), JSON.stringify(planted));
  writeFileSync(join(modules, PLANTED, 'index.d.ts'), PLANTED_TYPES);
}

/** What can be imported with types: the entries of a packed package, those with needs left out if the README names them. */
function strictEntries(folder, name) {
  const home = join(folder, 'node_modules', name);
  const { exports = {} } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  const entries = Object.keys(exports)
    .filter((path) => exports[path].types)
    .map((path) => join(name, path));
  const readme = readFileSync(join(home, 'README.md'), 'utf8');
  for (const entry of entries.filter((entry) => NEEDS[entry] !== undefined)) {
    if (!readme.includes(NEEDS[entry]))
      throw new Error(`strict-consumers: the README of ${name} must say that ${entry} needs ${NEEDS[entry]}.`);
  }
  return entries.filter((entry) => NEEDS[entry] === undefined);
}

/** `file:line: message` of everything that a TypeScript refuses. */
function refusals(ts, folder, resolution) {
  const options = {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind[resolution === 'Bundler' ? 'ESNext' : 'NodeNext'],
    moduleResolution: ts.ModuleResolutionKind[resolution],
    lib: LIBRARY,
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
  };
  const program = ts.createProgram([join(folder, 'consumer.ts')], options);
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file ? file.getLineAndCharacterOfPosition(start).line + 1 : 0;
    const path = file?.fileName.replace(`${folder}/node_modules/`, '') ?? '';
    return `${path}:${line}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
}

/**
 * @param {string} folder an empty folder to work in
 * @param {Record<string, string>} tarballs by package
 * @param {readonly { name: string, folder: string, manifest: object }[]} packages
 * @throws {Error} with every line of a declaration that some TypeScript refuses, and when a planted break is not refused
 */
export function checkStrictConsumers(folder, tarballs, packages) {
  installTarballs(folder, tarballs, packages);
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'strict-consumer', type: 'module' }));
  const entries = packages.flatMap(({ name }) => strictEntries(folder, name));
  const imports = [...entries, PLANTED].map((entry, index) => `export * as entry${index} from '${entry}';\n`);
  writeFileSync(join(folder, 'consumer.ts'), imports.join(''));
  const failures = [];
  for (const ts of [ts54, ts59, ts60]) {
    for (const resolution of RESOLUTIONS) {
      const refused = refusals(ts, folder, resolution);
      const planted = refused.filter((line) => line.startsWith(`${PLANTED}/`));
      const missed = PLANTED_NAMES.filter((name) => !planted.some((line) => line.includes(`'${name}'`)));
      const others = refused.filter((line) => !planted.includes(line));
      const from = `TypeScript ${ts.version}, ${resolution}`;
      if (missed.length > 0) failures.push(`${from}: the planted ${missed.join(', ')} must be refused`);
      failures.push(...others.map((line) => `${from}: ${line}`));
    }
    console.log(`strict-consumers: TypeScript ${ts.version} has compiled ${entries.length} entries`);
  }
  if (failures.length > 0) throw new Error(`strict-consumers: ${failures.length} faults\n${failures.join('\n')}`);
}
