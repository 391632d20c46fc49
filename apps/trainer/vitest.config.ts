import { packageTests } from '@modajs/vitest';

export default packageTests({
  test: {
    globalSetup: ['test/build-cli.ts'],
    // The bundled command line is Node's to load.
    server: { deps: { external: [/\.test-build/] } },
  },
});
