import { join } from 'node:path'
import { createEphemeralFolder } from './cache/ephemeral.folder.js'
import { makeNamedFolder, prepareFolders } from './cache/stack.folders.js'
import type { StackFolders } from './cache/stack.folders.js'
import { checkFixedPorts } from './network/fixed-ports.js'
import { LOCAL_ADDRESSES, PART_TITLES, RECIPES } from './parts.js'
import type { PartOptions } from './parts.js'
import { checkPrerequisites } from './prerequisites/prerequisites.js'
import { PartProgress } from './progress/progress.js'
import type { ProgressListener } from './progress/progress.js'
import { findProjectFolder } from './project.folder.js'
import { checkReachable, readReplacements } from './replacements.js'
import { LocalServer } from './server/local.server.js'
import { closeAll, Stack } from './stack.js'
import type { StackAddresses } from './stack.addresses.js'
import { PART_NAMES, PORTS_OF_PARTS } from './stack.settings.js'
import type { Environment, PartName, Ports } from './stack.settings.js'
import { findDeathGuard } from './supervision/kernel-guard.js'

export interface StackOptions extends PartOptions {
  /** For folder names and messages. */
  readonly name: string
  /** All four by default. */
  readonly parts?: readonly PartName[]
  /** True (the default): new data, gone with the stack. False: the data stays for the next stack of this name. */
  readonly ephemeral?: boolean
  /** Where data lies that is not ephemeral; by default in a folder of this name and checkout below SLUICE_RUN_DIR. */
  readonly dataFolder?: string
  /** Where the servers log; by default beside the data. */
  readonly logFolder?: string
  /** Ports that must be these. The others are free ones. */
  readonly ports?: Ports
  readonly onProgress?: ProgressListener
  /** Whose variables count; those of this process by default. */
  readonly env?: Environment
}

/**
 * Starts real servers, all at the same time, and resolves when each answers. If one cannot start, the others are stopped and the
 * error tells why. They end with this process, however it ends.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { name, parts = PART_NAMES, ephemeral = true, env = process.env } = options
  const replacements = readReplacements(env, parts)
  const local = parts.filter((part) => replacements[part] === undefined)
  const ports = pickPorts(options.ports ?? {}, local)
  const folders = await prepareFolders(env)
  const [prerequisites, deathGuard] = await Promise.all([
    checkPrerequisites({ parts: local, env, cacheFolder: folders.cache, projectFolder: findProjectFolder() }),
    findDeathGuard(),
    checkReachable(replacements),
    checkFixedPorts(ports),
  ])
  const place = await choosePlace(options, folders)
  const servers = new Map<PartName, LocalServer>()
  const started = await startTogether(local, async (part, signal) => {
    const progress = new PartProgress(PART_TITLES[part], options.onProgress ?? (() => undefined))
    const recipe = await RECIPES[part]({ ...options, env, folders, prerequisites, progress, deathGuard, signal })
    const [dataFolder, logFile] = [join(place.data, part), join(place.logs, `${part}.log`)]
    const server = new LocalServer(recipe, { dataFolder, logFile, fixedPorts: ports, ephemeral, deathGuard })
    servers.set(part, server)
    await progress.step('starting', () => server.start(signal), { detail: () => server.readLastLogLine() })
    return LOCAL_ADDRESSES[part](server.ports)
  }).catch(async (error: unknown) => {
    await closeAll([...servers.values()])
    throw error
  })
  return new Stack({ name, addresses: { ...replacements, ...started }, servers, logFolder: place.logs })
}

/** The first failure calls off the rest, so that a wrong setting is told at once and not after a build of three minutes. */
async function startTogether(
  parts: readonly PartName[],
  start: (part: PartName, signal: AbortSignal) => Promise<StackAddresses[PartName]>,
): Promise<StackAddresses> {
  const calledOff = new AbortController()
  const starts = parts.map(async (part) => {
    try {
      return [part, await start(part, calledOff.signal)] as const
    } catch (error) {
      calledOff.abort(error)
      throw error
    }
  })
  await Promise.allSettled(starts)
  if (calledOff.signal.aborted) throw calledOff.signal.reason
  return Object.fromEntries(await Promise.all(starts)) as StackAddresses
}

function pickPorts(ports: Ports, parts: readonly PartName[]): Ports {
  const names = parts.flatMap((part) => PORTS_OF_PARTS[part])
  return Object.fromEntries(names.flatMap((name) => (ports[name] === undefined ? [] : [[name, ports[name]]])))
}

async function choosePlace(options: StackOptions, folders: StackFolders): Promise<{ data: string; logs: string }> {
  if (options.ephemeral ?? true) {
    const made = await createEphemeralFolder(folders.run, options.name)
    return { data: made.data, logs: options.logFolder ?? made.logs }
  }
  const data = options.dataFolder ?? (await makeNamedFolder(folders, options.name, findProjectFolder()))
  return { data, logs: options.logFolder ?? join(data, 'logs') }
}
