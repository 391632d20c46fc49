/**
 * `Symbol.dispose` and `Symbol.asyncDispose` where the engine has none, as Safari's: a method `[Symbol.dispose]()` would be
 * called `undefined` there, and `using`, which every build of ours is compiled to do without, would refuse the object.
 * The same symbols that esbuild, oxc and Babel look for. Every package imports this one, so it runs before any class of theirs.
 */
const symbols = Symbol as { -readonly [K in 'dispose' | 'asyncDispose']?: symbol };
symbols.dispose ??= Symbol.for('Symbol.dispose');
symbols.asyncDispose ??= Symbol.for('Symbol.asyncDispose');

export {};
