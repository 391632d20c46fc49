/** Two JSON lines, `{"text":"first é"}` and `{"text":"second"}`, each 40 times, from the `zstd` command. */
export const ZSTD_JSONL = 'KLUv/QRoPQEA6HsidGV4dCI6ImZpcnN0IMOpIn0Kc2Vjb25kIn0KAgDHJfWP0yYT0gicqg==';

/** The text of `ZSTD_SQUARES`. */
export const SQUARES = Array.from({ length: 150 }, (_, i) => `${i} squared is ${i * i}.\n`).join('');

/** `SQUARES` from `zstd -19`: a frame with its size and checksum. */
export const ZSTD_SQUARES = [
  'KLUv/WTkCn0TADpEHAgVoCWFNqDNP/5DVcXl0pbcsrlacasQfwB8AHkA7CvIWZvPRlSctdAN+9+GvZowbF0NSyI0bJE/7NkMewnLsC4PG3ExrG',
  '8n7M2EPQlB2AolLEmRsBUu7AmNsDcR1rewEQ9hXWf2Mmb2LJgtKrMkQmbrbvZqzP5i1mKzETZrO/Zl7D2wNcWSEFs+e8NeWJsNwUCAAEAAAgMF',
  'BgwEETY24mGsLxfYW5QF9uRCYCuECixJUWAr/IE9mQnszRJYP8iBjbgIrCtcsZeyYs8eii2aKpZEqNi6+Iu9uin2NynWElxsREWxth+xrzFi7x',
  'KIrXERSxJDxJbvxF7YEPsIQqyjTGwEBbGO39nH2NkLCWfLrrMkIXS25n72bvM2W/SyWRIZstm6u81ehbHZn8RmLWObjbCEzdrswuyrLMzeH8Js',
  'jVSYJQlTmC3bw+xFTZh9XMKsQxxmI8Ksw+7YR9mxFw/HlqWOJYmjY2vsx95rjn1djrWJj42wxbGWO2P/YMZeUTC2bspYEiFjiyLc2DMbYy9BjH',
  'VRrEPkbvZxdrMXFW62PHWzJGG62Zrwm71/bvblELlZm/lmIypu1jI3Zv84G7NXIYzZuteYJRGjMVt0H7NnNWP2chmzLgeP2YiLMevXidnbmJg9',
  'cQUxW8FKzJIUidkKczF7YhoxezMRs35ZzEY8xKzLP5u9nNnsWYWAlagRjEAgXa7d4KVlDRDeYz0GRXS8JmLE43Vw2fiy4cvGlw1fNr6MjS+z4c',
  'uMc0v2jnAbMgO0ASwE2hpwQSJuAyQ0BIY56uglO7lnE/OCNfT5yJntV1VouQoyo6wCBEzAmbsKpTUMQg==',
].join('');

/** Nothing, from `zstd`: an empty frame with a checksum. */
export const ZSTD_NOTHING = 'KLUv/SQAAQAAmenYUQ==';
