import { createRequire } from 'node:module'
import { pino, type DestinationStream } from 'pino'

const require = createRequire(import.meta.url)
const findPretty = () => require.resolve('pino-pretty')

/** Coloured lines for a person at a terminal, or undefined where pino-pretty is not installed, as in production. */
export function createPrettyStream(find: () => string = findPretty): DestinationStream | undefined {
  const target = tryFind(find)
  if (target === undefined) return undefined
  return pino.transport({
    target,
    options: { messageKey: 'message', timestampKey: 'timestamp', errorLikeObjectKeys: [] },
  }) as DestinationStream
}

function tryFind(find: () => string): string | undefined {
  try {
    return find()
  } catch {
    return undefined
  }
}
