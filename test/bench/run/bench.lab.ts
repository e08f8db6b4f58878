import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client } from 'pg'
import { SimulatorControl } from '#tools/rig'
import { createDatabase, dropDatabase, makeEnvironment, type Stack } from '#tools/stack'
import { isService, type BenchCase, type CallLatency, type PeerName } from '../cases/bench.case.js'
import { BenchTopics } from '../load/bench.topics.js'
import { fetchAccessToken } from '../peers/access-token.js'
import { NodePeer } from '../peers/node.peer.js'
import type { PeerSettings } from '../peers/peer.settings.js'
import { CREATE_RESULT_TABLE } from '../peers/result.table.js'
import type { RunningPeer } from '../peers/running.peer.js'
import { SluicePeer } from '../peers/sluice.peer.js'
import { makeWorkerEnvironment } from '../peers/worker.environment.js'

/** Where one measurement takes place: everything in it is its own. */
export interface Bay {
  readonly name: string
  readonly peer: PeerName
  readonly partitions: number
  readonly tasksTopic: string
  readonly resultsTopic: string
  readonly databaseUrl: string
  /** Of the worker. Stays for a day. */
  readonly logFile: string
}

const STOCK_MAIN = fileURLToPath(import.meta.resolve('../peers/stock/main.js'))
const BARE_MAIN = fileURLToPath(import.meta.resolve('../peers/bare/main.js'))
/** Instead of the service's own main file. */
const MAINS: Readonly<Partial<Record<PeerName, string>>> = {
  sluice_local: 'dist/test/bench/peers/local/main.js',
  sluice_dark: 'dist/test/bench/peers/dark/main.js',
}
const NO_LOGS = { LOG_LEVEL: 'silent', LOG_DATABASE: 'false' }
/** At this level each task has three lines. */
const VERBOSE = { LOG_LEVEL: 'debug', LOG_DATABASE_LEVEL: 'debug' }
/** Nobody listens there. */
const NOWHERE = 'postgres://nobody@127.0.0.1:1/nowhere'
/** What differs from the settings of the others. */
const SETTINGS: Readonly<Partial<Record<PeerName, Readonly<Record<string, string>>>>> = {
  sluice_dark: NO_LOGS,
  sluice_mute: NO_LOGS,
  sluice_verbose: VERBOSE,
  sluice_log_lost: { ...VERBOSE, LOG_DATABASE_URL: NOWHERE },
}
/** Nothing but the latency: no stream gates, and counters instead of a record of each call. */
const QUIET_SIMULATOR = { streams: { GIGACHAT_API_PERS: 0, GIGACHAT_API_B2B: 0, GIGACHAT_API_CORP: 0 }, bill: { detail: false } }

/** The servers, and what a measurement needs of them. Owns nothing but its topics' connection. */
export class BenchLab {
  readonly topics: BenchTopics
  private readonly simulator: SimulatorControl
  private bays = 0

  constructor(
    readonly stack: Stack,
    private readonly nodeFlags: readonly string[],
  ) {
    this.topics = new BenchTopics(stack.kafkaBrokers)
    const { controlUrl } = stack.gigachat
    if (controlUrl === undefined) throw new Error('the benchmark needs the simulator: it counts the calls and sets their latency')
    this.simulator = new SimulatorControl(controlUrl)
  }

  async open({ name, partitions }: Pick<BenchCase, 'name' | 'partitions'>, peer: PeerName): Promise<Bay> {
    const bay = `bench-${++this.bays}-${name}-${peer.replaceAll('_', '-')}`
    const databaseUrl = await createDatabase(this.stack.databaseUrl, bay)
    if (!isService(peer)) await createResultTable(databaseUrl)
    const topics = { tasksTopic: `${bay}.tasks`, resultsTopic: `${bay}.results` }
    await this.topics.create({ tasks: topics.tasksTopic, results: topics.resultsTopic, partitions })
    return { name: bay, peer, partitions, databaseUrl, ...topics, logFile: join(this.stack.logFolder, `${bay}.log`) }
  }

  async close({ name, tasksTopic, resultsTopic }: Bay): Promise<void> {
    await dropDatabase(this.stack.databaseUrl, name)
    await this.topics.drop([tasksTopic, resultsTopic])
  }

  /** Sets the model's latency and begins a new bill. */
  async prepareModel(latency: CallLatency): Promise<void> {
    await this.simulator.set({ ...QUIET_SIMULATOR, latency })
    await this.simulator.request('DELETE', 'bill')
  }

  /** Calls that the model has charged since then. */
  async countCalls(): Promise<number> {
    const { paid } = (await this.simulator.request('GET', 'bill/summary')) as { readonly paid: number }
    return paid
  }

  async startPeer(bay: Bay): Promise<RunningPeer> {
    const { logFile } = bay
    switch (bay.peer) {
      case 'sluice':
      case 'sluice_local':
      case 'sluice_dark':
      case 'sluice_mute':
      case 'sluice_verbose':
      case 'sluice_log_lost': {
        const env = { ...makeWorkerEnvironment({ stackEnvironment: makeEnvironment(this.stack), ...bay }), ...SETTINGS[bay.peer] }
        const main = MAINS[bay.peer]
        return SluicePeer.start(
          { env, logFile, nodeFlags: this.nodeFlags, ...(main !== undefined && { main }) },
          { isScraped: bay.peer !== 'sluice_dark' },
        )
      }
      case 'bare':
        return NodePeer.start(BARE_MAIN, await this.makePeerSettings(bay), logFile)
      case 'stock':
      case 'stock_concurrent':
        return NodePeer.start(STOCK_MAIN, await this.makePeerSettings(bay), logFile)
    }
  }

  private async makePeerSettings({ name, peer, partitions, tasksTopic, resultsTopic, databaseUrl }: Bay): Promise<PeerSettings> {
    const { gigachat, kafkaBrokers } = this.stack
    const base = new URL(gigachat.baseUrl)
    return {
      brokers: kafkaBrokers,
      groupId: name,
      tasksTopic,
      resultsTopic,
      databaseUrl,
      partitionsConsumedConcurrently: peer === 'stock_concurrent' ? partitions : undefined,
      model: {
        origin: base.origin,
        path: `${base.pathname}/chat/completions`,
        token: await fetchAccessToken(gigachat),
        name: 'GigaChat-2',
      },
    }
  }
}

async function createResultTable(databaseUrl: string): Promise<void> {
  const client = new Client({ connectionString: databaseUrl })
  await client.connect()
  await client.query(CREATE_RESULT_TABLE)
  await client.end()
}
