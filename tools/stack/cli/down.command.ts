import { rm } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { makeNamedFolder, prepareFolders } from '../cache/stack.folders.js'
import { findProjectFolder } from '../project.folder.js'
import type { Environment } from '../stack.settings.js'
import { isAlive, signalProcess } from '../supervision/process.identity.js'
import type { ProcessIdentity } from '../supervision/process.identity.js'
import { CHECKOUT_STACK, stackPlace } from './stack.place.js'
import { readLiveState, removeState } from './state.file.js'

const ORDERLY_LIMIT_MS = 60_000
const POLL_MS = 100

export interface DownOptions {
  /** Also removes the data of the stack. */
  readonly purge: boolean
}

export async function runDown({ purge }: DownOptions, env: Environment): Promise<void> {
  const { stateFile } = stackPlace(env)
  const state = await readLiveState(stateFile)
  process.stderr.write(state ? `Stopping process ${state.owner.pid} and its servers ...\n` : 'The stack is not running.\n')
  if (state) await endOwner(state.owner)
  await removeState(stateFile)
  if (!purge) return
  const folder = await makeNamedFolder(await prepareFolders(env), CHECKOUT_STACK, findProjectFolder())
  await rm(folder, { recursive: true, force: true, maxRetries: 10 })
  process.stderr.write(`Removed ${folder}\n`)
}

async function endOwner(owner: ProcessIdentity): Promise<void> {
  await signalProcess(owner, 'SIGTERM')
  if (await isGoneWithin(owner, ORDERLY_LIMIT_MS)) return
  process.stderr.write(`Process ${owner.pid} did not end within ${ORDERLY_LIMIT_MS / 1000} s: killing it\n`)
  await signalProcess(owner, 'SIGKILL')
  await isGoneWithin(owner, ORDERLY_LIMIT_MS)
}

async function isGoneWithin(owner: ProcessIdentity, limitMs: number): Promise<boolean> {
  const deadline = performance.now() + limitMs
  while (performance.now() < deadline) {
    if (!(await isAlive(owner))) return true
    await delay(POLL_MS)
  }
  return false
}
