import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { prepareFolders } from '../stack/cache/stack.folders.js'
import { takeFreePort } from '../stack/network/free-port.js'
import { PartProgress, type ProgressListener } from '../stack/progress/progress.js'
import { findDeathGuard } from '../stack/supervision/kernel-guard.js'
import { waitUntilReady } from '../stack/supervision/readiness.js'
import { makeServerEnvironment } from '../stack/supervision/server-environment.js'
import { ServerLog } from '../stack/supervision/server.log.js'
import { SupervisedProcess } from '../stack/supervision/supervised.process.js'
import { ToxiproxyApi } from './toxiproxy.api.js'
import { installToxiproxy } from './toxiproxy.install.js'
import { ToxiproxyServer } from './toxiproxy.server.js'

const START_LIMIT_MS = 10_000
const STOP_LIMIT_MS = 5_000

export interface ToxiproxyOptions {
  readonly logFile: string
  /** Of its random numbers. */
  readonly seed?: number
  readonly onProgress?: ProgressListener
  readonly signal?: AbortSignal
}

/** Builds toxiproxy where that has not been done yet, and starts it. It ends with this process, however that ends. */
export async function startToxiproxy({
  logFile,
  seed = 1,
  onProgress = () => undefined,
  signal = new AbortController().signal,
}: ToxiproxyOptions): Promise<ToxiproxyServer> {
  const progress = new PartProgress('toxiproxy', onProgress)
  const { cache: cacheFolder } = await prepareFolders(process.env)
  const binary = await installToxiproxy({ cacheFolder, env: process.env, progress, signal })
  await mkdir(dirname(logFile), { recursive: true })
  return progress.step('starting', () => launch(binary, { logFile, seed }))
}

async function launch(binary: string, { logFile, seed }: { readonly logFile: string; readonly seed: number }): Promise<ToxiproxyServer> {
  const port = await takeFreePort()
  const running = await SupervisedProcess.start({
    command: binary,
    args: ['-host', '127.0.0.1', '-port', String(port), '-seed', String(seed)],
    environment: makeServerEnvironment(process.env),
    workingDirectory: dirname(logFile),
    logFile,
    gracefulSignal: 'SIGTERM',
    abandonSignal: 'SIGKILL',
    stopLimitMs: STOP_LIMIT_MS,
    orphanPolicy: 'abandon',
    deathGuard: await findDeathGuard(),
  })
  const api = new ToxiproxyApi(`http://127.0.0.1:${port}`)
  const readiness = await waitUntilReady({
    probe: async () => (await api.request('GET', 'version')) !== undefined,
    isGone: () => !running.running,
    limitMs: START_LIMIT_MS,
  })
  if (readiness.ready) {
    running.unref()
    return new ToxiproxyServer(running, api)
  }
  await running.abandon()
  throw new Error(`toxiproxy did not start: ${readiness.reason}; ${logFile}\n${await new ServerLog(logFile).tail()}`)
}
