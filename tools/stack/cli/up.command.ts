import { mkdir } from 'node:fs/promises'
import { tryLock } from '../cache/file.lock.js'
import { createTerminalProgress } from '../progress/terminal.progress.js'
import { startStack } from '../start-stack.js'
import type { Stack } from '../stack.js'
import { readFixedPorts, readKafkaHeap } from '../stack.settings.js'
import type { Environment, PartName } from '../stack.settings.js'
import { CHECKOUT_STACK, stackPlace } from './stack.place.js'
import { removeState, writeState } from './state.file.js'
import { describeStack } from './stack.table.js'

/** Starts the checkout's stack and stays until it is told to end. */
export async function runUp(parts: readonly PartName[], env: Environment): Promise<void> {
  const place = stackPlace(env)
  await mkdir(place.logs, { recursive: true })
  const lock = await tryLock(place.lockFile)
  if (typeof lock !== 'function') throw new Error(`the stack runs already (process ${lock.pid}): npm run stack -- status, or down`)
  const progress = createTerminalProgress(process.stderr)
  try {
    await writeState(place.stateFile, 'starting')
    await using stack = await startStack({
      name: CHECKOUT_STACK,
      parts,
      ephemeral: false,
      ports: readFixedPorts(env),
      logFolder: place.logs,
      minio: { console: true },
      kafka: { heapMb: readKafkaHeap(env) },
      onProgress: progress.listener,
      env,
    }).finally(() => progress.end())
    await writeState(place.stateFile, 'ready', stack)
    process.stdout.write(`${describeStack(stack.addresses)}\n`)
    process.stderr.write('The stack is up. End it with Ctrl-C or "npm run stack -- down".\n')
    reportDeaths(stack)
    await waitForEnd()
    process.stderr.write('Stopping ...\n')
  } finally {
    await removeState(place.stateFile)
    await lock()
  }
}

function reportDeaths(stack: Stack): void {
  for (const part of stack.parts.filter((name) => stack.isLocal(name))) {
    const server = stack.server(part)
    void server.exited.then(({ code, signal }) => {
      if (stack.isStopping) return
      process.stderr.write(`${part} ended by itself (${signal ?? `exit code ${code}`}); its log: ${server.logFile}\n`)
    })
  }
}

/** A second Ctrl-C ends this process at once, and the supervisors then end the servers. */
function waitForEnd(): Promise<void> {
  return new Promise((resolve) => {
    const keepAlive = setInterval(() => undefined, 3_600_000)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.once(signal, () => {
        clearInterval(keepAlive)
        resolve()
      })
    }
  })
}
