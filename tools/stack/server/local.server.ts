import { mkdir, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { exists } from '../cache/cached.build.js'
import { makeOpenFolder } from '../cache/open-folder.js'
import { giveBackPort, takeFreePort } from '../network/free-port.js'
import type { PartName, PortName, Ports } from '../stack.settings.js'
import { waitUntilReady } from '../supervision/readiness.js'
import { ServerLog } from '../supervision/server.log.js'
import type { ProcessExit } from '../supervision/supervised.command.js'
import { SupervisedProcess } from '../supervision/supervised.process.js'
import type { ServerRecipe, ServerRun } from './server.recipe.js'
import { ServerStartError } from './server-start.error.js'

const START_TRIES = 5
const PREDECESSOR_PAUSE_MS = 100
const PREDECESSOR_TRIES = 100

export interface ServerPlace {
  readonly dataFolder: string
  readonly logFile: string
  /** Ports that must be these; the others are free ones. */
  readonly fixedPorts: Ports
  /** True when the data goes with the stack, so that nobody needs it in order at the end. */
  readonly ephemeral: boolean
  readonly deathGuard: string | undefined
}

/**
 * One server of a stack on this machine. Modes: down (before `start`, after `stop` or `kill`, or after it died by itself) and up.
 * The ports are chosen at the first start and stay, so that clients find the server again after a restart; so does the data.
 * Calls do not overlap: whoever holds the stack awaits one before the next.
 */
export class LocalServer {
  readonly part: PartName
  /** Empty before the first start. */
  #run: ServerRun | undefined
  /** Empty while the server is down and was never up. */
  #process: SupervisedProcess | undefined

  constructor(
    private readonly recipe: ServerRecipe,
    private readonly place: ServerPlace,
  ) {
    this.part = recipe.part
  }

  get logFile(): string {
    return this.place.logFile
  }

  get ports(): Required<Ports> {
    if (!this.#run) throw new Error(`${this.recipe.title} has no ports before its first start`)
    return this.#run.ports
  }

  /** Undefined while the server is down. */
  get pid(): number | undefined {
    return this.#process?.running ? this.#process.pid : undefined
  }

  /** What a server that is slow to start is at. */
  async readLastLogLine(): Promise<string> {
    return (await new ServerLog(this.place.logFile).tail(1)).slice(0, 120)
  }

  /** Resolves when the process that runs now has ended; at once when none does. */
  get exited(): Promise<ProcessExit> {
    return this.#process?.exited ?? Promise.resolve({ code: null, signal: null })
  }

  /** Throws when it cannot be started, or when the signal says that it is no longer wanted. */
  async start(signal?: AbortSignal): Promise<void> {
    if (this.pid !== undefined) return
    await this.#ensureData()
    const log = new ServerLog(this.place.logFile)
    for (let tried = 1; ; tried++) {
      const run = this.#run ?? { dataFolder: this.place.dataFolder, ports: await this.#choosePorts(), log }
      const failure = await this.#launch(run, signal)
      signal?.throwIfAborted()
      if (!failure) {
        this.#run = run
        return
      }
      const said = await log.sinceMark()
      const isRace = this.recipe.portTaken.test(said) && !this.#run && !this.#hasOnlyFixedPorts()
      const isGhost = this.recipe.predecessorStillThere?.test(said) ?? false
      if (isRace && tried < START_TRIES) {
        for (const name of this.recipe.portNames) giveBackPort(run.ports[name])
      } else if (isGhost && tried < PREDECESSOR_TRIES) await delay(PREDECESSOR_PAUSE_MS)
      else throw failure
    }
  }

  /** Brings the server up again on the same ports and data, after an orderly stop where it still runs. */
  async restart(): Promise<void> {
    await this.stop()
    await this.start()
  }

  /** A fault: the process gets the signal, and nobody tidies up. Resolves after its end where the signal was SIGKILL. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#process?.kill(signal)
  }

  /** An orderly end that keeps the data. */
  async stop(): Promise<void> {
    if (this.pid !== undefined) await this.#process?.stop()
  }

  /** The end of the server with its stack. */
  async close(): Promise<void> {
    if (this.pid !== undefined) await (this.place.ephemeral ? this.#process?.abandon() : this.#process?.stop())
    if (this.#run) for (const name of this.recipe.portNames) giveBackPort(this.#run.ports[name])
    if (this.place.ephemeral) await rm(this.place.dataFolder, { recursive: true, force: true, maxRetries: 10 })
  }

  async #launch(run: ServerRun, signal: AbortSignal | undefined): Promise<ServerStartError | undefined> {
    const { recipe, place } = this
    await run.log.mark()
    const launch = await recipe.launch(run)
    const running = await SupervisedProcess.start({
      ...launch,
      workingDirectory: place.dataFolder,
      logFile: place.logFile,
      gracefulSignal: recipe.gracefulSignal,
      abandonSignal: recipe.abandonSignal,
      stopLimitMs: recipe.stopLimitMs,
      orphanPolicy: place.ephemeral ? 'abandon' : 'stop',
      deathGuard: place.deathGuard,
    })
    const probe = () => recipe.isReady(run)
    const readiness = await waitUntilReady({
      probe,
      isGone: () => !running.running || signal?.aborted === true,
      limitMs: recipe.readyLimitMs,
    })
    if (readiness.ready) {
      running.unref()
      this.#process = running
      return undefined
    }
    await running.abandon()
    return new ServerStartError(recipe.title, readiness.reason, run.log.path, await run.log.tail())
  }

  /** Filled beside its place and then renamed, so that a start that was killed leaves no half of a data folder. */
  async #ensureData(): Promise<void> {
    const { dataFolder } = this.place
    await mkdir(dirname(this.place.logFile), { recursive: true })
    // Every stack begins a new log, every restart goes on with it.
    if (!this.#run) await rm(this.place.logFile, { force: true })
    if (await exists(dataFolder)) return
    const draft = `${dataFolder}.draft`
    await rm(draft, { recursive: true, force: true })
    await makeOpenFolder(draft)
    await this.recipe.initialise(draft)
    await rename(draft, dataFolder)
  }

  async #choosePorts(): Promise<Required<Ports>> {
    const chosen = await Promise.all(
      this.recipe.portNames.map(async (name): Promise<[PortName, number]> => [name, this.place.fixedPorts[name] ?? (await takeFreePort())]),
    )
    return Object.fromEntries(chosen) as Required<Ports>
  }

  #hasOnlyFixedPorts(): boolean {
    return this.recipe.portNames.every((name) => this.place.fixedPorts[name] !== undefined)
  }
}
