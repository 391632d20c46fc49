import manifest from '../../../package.json';

/** Where to read on. A published build names its repository; one made elsewhere names the packages. */
function linksOf({ homepage }: { readonly homepage?: string }) {
  const repository = homepage?.replace(/\/tree\/main\/.*$/, '');
  const package_ = (name: string): string => `https://www.npmjs.com/package/@modajs/${name}`;
  return {
    paper: 'https://arxiv.org/abs/2603.15619',
    authorsCode: 'https://github.com/hustvl/MoDA',
    code: repository ?? package_('models'),
    docs: repository === undefined ? package_('trainer') : `${repository}/tree/main/docs`,
    evidence: repository === undefined ? package_('train') : `${repository}/tree/main/docs/evidence`,
  };
}

export const LINKS = linksOf(manifest as { readonly homepage?: string });
