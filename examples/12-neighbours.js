// Nearest neighbours with topk: which of 500 points lie nearest to each query, and the majority of their classes.
import { add, at, init, matmul, mul, randomNormal, square, sub, sum, tensor, tidy, topk } from '@modajs/tensor';

const device = await init({ device: 'auto' });
const [N, Q, D, k] = [500, 20, 8, 5];
const classOf = (i) => i % 2;
const centres = tensor(Array.from({ length: N }, (_, i) => new Array(D).fill(classOf(i) * 2)));
const points = tidy(() => add(centres, randomNormal([N, D], { seed: 1 })));
const queries = tidy(() => add(at(centres, `:${Q}`), randomNormal([Q, D], { seed: 2 })));

/** -|q - p|^2 for all pairs, up to a number of each query: [Q, N]. */
const nearness = () => sub(mul(matmul(queries, points, { transposeB: true }), 2), sum(square(points), { axes: [1] }));
const found = await tidy(() => topk(nearness(), k).indices).data();
const nearest = Array.from({ length: Q }, (_, q) => [...found.slice(q * k, q * k + k)]);

const votes = nearest.map((neighbours) => Number(neighbours.filter((i) => classOf(i) === 1).length > k / 2));
const right = votes.filter((vote, q) => vote === classOf(q)).length;
console.log(`query 0 is nearest to points ${nearest[0].join(', ')}; ${right} of ${Q} queries get their class`);

const [all, wanted] = [await points.data(), await queries.data()];
const distance = (q, p) => Math.hypot(...Array.from({ length: D }, (_, i) => all[p * D + i] - wanted[q * D + i]));
const byHand = Array.from({ length: N }, (_, p) => p).sort((a, b) => distance(0, a) - distance(0, b));
device.destroy();
if (String(byHand.slice(0, k)) !== String(nearest[0])) throw new Error('the nearest must be the nearest by hand');
if (right < Q - 2) throw new Error('neighbours must tell the class');
