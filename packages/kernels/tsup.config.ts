import { library } from '@modajs/build/tsup';

export default library({
  entry: {
    index: 'src/index.ts',
    formats: 'src/formats.ts',
    'matrix-products': 'src/matrix-products.ts',
    'executor/index': 'src/executor/index.ts',
    'testing/index': 'src/testing/index.ts',
  },
});
