import { library } from '@modajs/build/tsup';

export default library({
  entry: { index: 'src/index.ts', 'node/index': 'src/node/index.ts' },
  external: [/^node:/, 'koffi'],
  removeNodeProtocol: false,
});
