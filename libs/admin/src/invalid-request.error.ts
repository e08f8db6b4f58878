/** What was asked for makes no sense as it is. The message says what to change. */
export class InvalidRequestError extends Error {
  override readonly name = 'InvalidRequestError'
}
