/** Told by the first characters: a stored answer is read without its headers, and gateways set wrong content types. */
export function isEventStream(body: Buffer): boolean {
  return /^\uFEFF?\s*(data|event|id|retry)?:/.test(body.subarray(0, 64).toString('utf8'))
}
