import { spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Environment, PartName } from '../stack.settings.js'
import { ServerLog } from '../supervision/server.log.js'
import { stackPlace } from './stack.place.js'
import { describeStack } from './stack.table.js'
import { readLiveState } from './state.file.js'

const POLL_MS = 100

/** Starts `up` as a process of its own, shows what it says until it is ready, and leaves it. */
export async function runUpDetached(parts: readonly PartName[], mainFile: string, env: Environment): Promise<void> {
  const place = stackPlace(env)
  await mkdir(place.logs, { recursive: true })
  const running = await readLiveState(place.stateFile)
  if (running) throw new Error(`the stack runs already (process ${running.owner.pid}): npm run stack -- status, or down`)
  const log = new ServerLog(join(place.logs, 'stack.log'))
  const output = openSync(log.path, 'w')
  const owner = spawn(process.execPath, [mainFile, 'up', ...parts], { detached: true, stdio: ['ignore', output, output] })
  let ended = false
  owner.once('error', () => (ended = true))
  owner.once('exit', () => (ended = true))
  for (let shown = 0; ; await delay(POLL_MS)) {
    const isOver = ended
    const state = await readLiveState(place.stateFile)
    const ready = state?.owner.pid === owner.pid && state?.phase === 'ready' ? state : undefined
    const table = ready && describeStack(ready.addresses)
    // Its own closing words are for whoever has it in the foreground.
    const [said = ''] = (await log.sinceMark()).split(table ?? '\0')
    process.stderr.write(said.slice(shown))
    shown = said.length
    if (isOver) throw new Error('the stack did not start')
    if (!table) continue
    owner.unref()
    process.stdout.write(`${table}\n`)
    process.stderr.write(`The stack is up as process ${owner.pid}. End it with "npm run stack -- down".\n`)
    return
  }
}
