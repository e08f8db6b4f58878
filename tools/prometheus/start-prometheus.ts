import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { takeFreePort } from '../stack/network/free-port.js'
import { findDeathGuard } from '../stack/supervision/kernel-guard.js'
import { waitUntilReady } from '../stack/supervision/readiness.js'
import { makeServerEnvironment } from '../stack/supervision/server-environment.js'
import { ServerLog } from '../stack/supervision/server.log.js'
import { SupervisedProcess } from '../stack/supervision/supervised.process.js'
import { findPrometheus } from './prometheus.install.js'
import { PrometheusServer } from './prometheus.server.js'

const START_LIMIT_MS = 20_000
const STOP_LIMIT_MS = 5_000

export interface PrometheusOptions {
  /** host:port of what is scraped, each with /metrics. */
  readonly targets: readonly string[]
  readonly scrapeIntervalMs?: number
  /** Files of rules, by absolute paths. */
  readonly ruleFiles?: readonly string[]
}

/** A real Prometheus on a free port, with its data in a folder of its own. It ends with this process, however that ends. */
export async function startPrometheus({ targets, scrapeIntervalMs = 1_000, ruleFiles = [] }: PrometheusOptions): Promise<PrometheusServer> {
  const { prometheus } = await findPrometheus()
  const folder = await mkdtemp(join(tmpdir(), 'sluice-prometheus-'))
  await mkdir(join(folder, 'data'))
  const interval = `${scrapeIntervalMs}ms`
  const config = {
    global: { scrape_interval: interval, evaluation_interval: interval, scrape_timeout: interval },
    rule_files: ruleFiles,
    scrape_configs: [{ job_name: 'sluice', static_configs: [{ targets }] }],
  }
  await writeFile(join(folder, 'prometheus.yml'), stringify(config))
  const port = await takeFreePort()
  const logFile = join(folder, 'prometheus.log')
  const running = await SupervisedProcess.start({
    command: prometheus,
    args: [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--enable-feature=exemplar-storage',
    ],
    environment: makeServerEnvironment(process.env),
    workingDirectory: folder,
    logFile,
    gracefulSignal: 'SIGTERM',
    abandonSignal: 'SIGKILL',
    stopLimitMs: STOP_LIMIT_MS,
    orphanPolicy: 'abandon',
    deathGuard: await findDeathGuard(),
  })
  const readiness = await waitUntilReady({
    probe: async () => (await fetch(`http://127.0.0.1:${port}/-/ready`)).ok,
    isGone: () => !running.running,
    limitMs: START_LIMIT_MS,
  })
  if (!readiness.ready) {
    await running.abandon()
    throw new Error(`Prometheus did not start: ${readiness.reason}; ${logFile}\n${await new ServerLog(logFile).tail()}`)
  }
  running.unref()
  return new PrometheusServer(running, port)
}
