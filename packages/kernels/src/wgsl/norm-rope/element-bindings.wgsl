// Bindings of norm and rotation one element at a time. Expects of the importer: the type `Element`.

@group(0) @binding(0) var<storage, read> x: array<Element>;

@group(0) @binding(1) var<storage, read> weight: array<Element>;

@group(0) @binding(2) var<storage, read> positions: array<i32>;
