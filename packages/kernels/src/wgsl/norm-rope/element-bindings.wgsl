// Bindings of norm and rotation one element at a time. Expects of the importer: the type `Element`.

// @interface
//   read x: array<Element>
//   read weight: array<Element>
//   read positions: array<i32>
