// Inputs of the flat kernels. Expects of the importer: the type `Element`.

@group(0) @binding(0) var<storage, read> q: array<Element>;

@group(0) @binding(1) var<storage, read> k: array<Element>;

@group(0) @binding(2) var<storage, read> v: array<Element>;

@group(0) @binding(3) var<storage, read> depth_k: array<Element>;

@group(0) @binding(4) var<storage, read> depth_v: array<Element>;
