import { makeRandom } from '../random.js'

/** A unit vector that is a function of the text alone; six decimals, as they come over the wire. */
export function makeVector(text: string, dimensions: number): number[] {
  const random = makeRandom(hashOf(text))
  const raw = Array.from({ length: dimensions }, () => random() * 2 - 1)
  const norm = Math.sqrt(raw.reduce((sum, value) => sum + value * value, 0))
  return raw.map((value) => Math.round((value / norm) * 1e6) / 1e6)
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  return hash
}
