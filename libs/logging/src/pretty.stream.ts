import { createRequire } from 'node:module'
import { pino, type DestinationStream } from 'pino'

const PRETTY = 'pino-pretty'

/** Coloured lines for a person at a terminal, or undefined where pino-pretty is not installed, as in production. */
export function createPrettyStream(
  resolve: (name: string) => string = createRequire(import.meta.url).resolve,
): DestinationStream | undefined {
  try {
    resolve(PRETTY)
  } catch {
    return undefined
  }
  return pino.transport({
    target: PRETTY,
    options: { messageKey: 'message', timestampKey: 'timestamp', errorLikeObjectKeys: [] },
  }) as DestinationStream
}
