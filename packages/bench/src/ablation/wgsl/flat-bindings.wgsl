// Inputs of the flat kernels. Expects of the importer: the type `Element`.

// @interface
//   read q: array<Element>
//   read k: array<Element>
//   read v: array<Element>
//   read depth_k: array<Element>
//   read depth_v: array<Element>
