declare module 'virtual:evidence' {
  const evidence: import('@modajs/build/evidence').Evidence;
  export default evidence;
}
