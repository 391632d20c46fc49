import { dirname, join } from 'node:path';
import { Application } from 'typedoc';
import { ROOT, repositoryFiles, repositoryText } from './repository.js';

/** Sources of everything that the packages export. */
function entryPoints() {
  return repositoryFiles('packages/*/package.json').flatMap((file) =>
    Object.values(JSON.parse(repositoryText(file)).exports ?? {}).flatMap((entry) => {
      const source = entry['@modajs/source'];
      return typeof source === 'string' ? [join(ROOT, dirname(file), source)] : [];
    }),
  );
}

/**
 * Writes the API reference, one page for each entry of a package, from the docblocks of what it exports. All packages are read as one program:
 * one by one they take several times as long.
 *
 * @param {string} out folder of the pages
 */
export async function writeApiPages(out) {
  const app = await Application.bootstrapWithPlugins({
    name: 'API reference',
    entryPoints: entryPoints(),
    entryPointStrategy: 'resolve',
    tsconfig: join(ROOT, 'apps/docs/tsconfig.api.json'),
    plugin: ['typedoc-plugin-markdown'],
    outputs: [{ name: 'markdown', path: out }],
    router: 'module',
    readme: 'none',
    excludeInternal: true,
    excludePrivate: true,
    excludeExternals: true,
    disableSources: true,
    // The packages' own checks find type errors and links to nothing.
    skipErrorChecking: true,
    validation: false,
    logLevel: 'Error',
    hidePageHeader: true,
    hideBreadcrumbs: true,
    entryFileName: 'index',
    sanitizeComments: true,
    parametersFormat: 'table',
    interfacePropertiesFormat: 'table',
    typeDeclarationFormat: 'table',
  });
  const project = await app.convert();
  if (!project) throw new Error('docs: the packages must be readable by TypeDoc; its lines above say what is not.');
  // `models/src/nn`, as TypeDoc sees it, is the page `models-nn` of `@modajs/models/nn`.
  for (const module of project.children ?? []) module.name = module.name.replace('/src', '').replaceAll('/', '-');
  await app.generateOutputs(project);
}
