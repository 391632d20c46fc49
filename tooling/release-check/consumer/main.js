import { xorAndModa } from './xor-and-moda.js';

console.log(await xorAndModa('cpu'));
