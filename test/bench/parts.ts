import 'reflect-metadata'
import { parseArgs } from 'node:util'
import { printProgress, startStack } from '#tools/stack'
import { choose } from './flags/flag-values.js'
import { claimPart } from './parts/claim.part.js'
import { eventLoopPart } from './parts/event-loop.part.js'
import type { Part } from './parts/part.js'
import { poolsPart } from './parts/pools.part.js'
import { storageMemoryPart } from './parts/storage-memory.part.js'

/** Memory first: nothing else must have grown the process before. */
const PARTS: readonly Part[] = [storageMemoryPart, eventLoopPart, claimPart, poolsPart]
const USAGE = `npm run bench:parts -- [flags]
  --only a,b   of ${PARTS.map(({ name }) => name).join(', ')}
  --json       the figures as one JSON object on the last line
  --help`

const { values } = parseArgs({
  options: { only: { type: 'string' }, json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
})
if (values.help) {
  console.log(USAGE)
  process.exit(0)
}
const chosen = choose(
  '--only',
  values.only,
  PARTS.map(({ name }) => name),
)
const stack = await startStack({ name: 'parts', parts: ['postgres', 'minio'], onProgress: printProgress })
const figures: Record<string, unknown> = {}
try {
  for (const part of PARTS.filter(({ name }) => chosen.includes(name))) {
    const result = await part.measure(stack, (line) => console.error(line))
    const verdict = result.holds === undefined ? '' : result.holds ? ': holds' : ': MISSED'
    console.log(`${part.name} (${part.bar})${verdict}`)
    for (const line of result.lines) console.log(`  ${line}`)
    figures[part.name] = { ...result.figures, ...(result.holds !== undefined && { holds: result.holds }) }
    if (result.holds === false) process.exitCode = 1
  }
  if (values.json) console.log(JSON.stringify(figures))
} finally {
  await stack.stop()
}
