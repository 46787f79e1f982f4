/** kafkajs has no types for its inner modules; kafkajs-inner.ts gives each a shape when it imports it. */
declare module "kafkajs/src/*" {
  // oxlint-disable-next-line typescript/no-explicit-any
  const inner: any;
  export default inner;
}
