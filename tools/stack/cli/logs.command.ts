import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Environment } from '../stack.settings.js'
import { ServerLog } from '../supervision/server.log.js'
import { stackPlace } from './stack.place.js'

const POLL_MS = 200

export interface LogsOptions {
  readonly lines: number
  readonly follow: boolean
}

/** Prints the end of one part's log, or of all; with `follow` also what comes after, until Ctrl-C. */
export async function runLogs(part: string | undefined, { lines, follow }: LogsOptions, env: Environment): Promise<void> {
  const folder = stackPlace(env).logs
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.log') && (!part || name === `${part}.log`))
  if (names.length === 0) throw new Error(part ? `there is no log of ${part} in ${folder}` : `there are no logs in ${folder}`)
  const logs = names.map((name) => ({ name: basename(name, '.log'), log: new ServerLog(join(folder, name)) }))
  for (const { name, log } of logs) print(logs.length > 1 ? name : undefined, await log.tail(lines))
  if (!follow) return
  for (const { log } of logs) await log.mark()
  for (;;) {
    await delay(POLL_MS)
    for (const { name, log } of logs) print(logs.length > 1 ? name : undefined, await log.takeNewLines())
  }
}

function print(name: string | undefined, text: string): void {
  if (text === '') return
  process.stdout.write(`${name === undefined ? text : text.replace(/^/gm, `${name.padEnd(10)}| `)}\n`)
}
