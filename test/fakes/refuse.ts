/** The answer of a call that a test has not stubbed: the test fails with its name. */
export function refuse(name: string): () => never {
  return () => {
    throw new Error(`${name} was called, and the test has not said what it answers`)
  }
}
