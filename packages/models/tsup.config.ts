import { library } from '@modajs/build/tsup';

export default library({
  entry: { index: 'src/index.ts', 'nn/index': 'src/nn/index.ts', 'node/index': 'src/node/index.ts' },
  external: [/^node:/],
  removeNodeProtocol: false,
});
