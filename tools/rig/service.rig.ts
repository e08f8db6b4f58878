import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DeadLetterEvent, ResultEvent } from '#libs/contracts'
import { createDatabase, dropDatabase, type GigachatAddress, type S3Address } from '#tools/stack'
import { findLeak } from './find-leak.js'
import { EventCollector } from './event.collector.js'
import { LedgerReader } from './ledger.reader.js'
import { ObjectBucket } from './object.bucket.js'
import { PROJECT_FOLDER } from './project.folder.js'
import { SimulatorControl, type BilledCall } from './simulator.control.js'
import { TaskProducer } from './task.producer.js'
import { TaskTopics } from './task.topics.js'
import { WorkerProcess } from './worker.process.js'

export interface RigServers {
  readonly databaseUrl: string
  readonly kafkaBrokers: readonly string[]
  readonly s3: S3Address
  readonly gigachat: GigachatAddress
}

export interface RigOptions {
  /** For names of databases, topics and log files: a-z, 0-9 and -. */
  readonly name: string
  /** Of each topic. */
  readonly partitions?: number
  /** Settings of every worker, beyond those of the rig. */
  readonly env?: Readonly<Record<string, string>>
  /** Where workers log. */
  readonly logFolder?: string
  /** See WorkerOptions. */
  readonly workerMain?: string
  readonly nodeFlags?: readonly string[]
}

/**
 * Everything that one test of the whole service needs for itself on shared servers: a database, topics, a consumer group, a bucket, a
 * GigaChat credential of its own (streams, bill and fault rules go by credential), and any number of workers. `close` ends all of it.
 */
export class ServiceRig {
  private readonly workers: WorkerProcess[] = []
  private resultCollector: Promise<EventCollector<ResultEvent>> | undefined
  private deadLetterCollector: Promise<EventCollector<DeadLetterEvent>> | undefined
  readonly simulator: SimulatorControl
  readonly ledger: LedgerReader
  readonly producer: TaskProducer

  private constructor(
    private readonly servers: RigServers,
    private readonly options: RigOptions,
    readonly id: string,
    readonly topics: TaskTopics,
    readonly bucket: ObjectBucket,
    readonly databaseUrl: string,
  ) {
    this.simulator = new SimulatorControl(servers.gigachat.controlUrl!)
    this.ledger = new LedgerReader(databaseUrl)
    this.producer = new TaskProducer(servers.kafkaBrokers)
  }

  static async create(servers: RigServers, options: RigOptions): Promise<ServiceRig> {
    const id = `${options.name}-${randomBytes(4).toString('hex')}`
    const names = { tasks: `${id}.tasks`, results: `${id}.results`, deadLetters: `${id}.dead-letters` }
    const topics = new TaskTopics(servers.kafkaBrokers, names, `${id}.group`)
    const bucket = new ObjectBucket(servers.s3, id)
    const [databaseUrl] = await Promise.all([
      createDatabase(servers.databaseUrl, id.replaceAll('-', '_')),
      topics.create(options.partitions ?? 3),
      bucket.create(),
    ])
    return new ServiceRig(servers, options, id, topics, bucket, databaseUrl)
  }

  get partitions(): number {
    return this.options.partitions ?? 3
  }

  /** The client id by which the simulator knows this rig's calls. */
  get credential(): string {
    return this.id
  }

  get logFile(): string {
    return join(this.options.logFolder ?? join(PROJECT_FOLDER, '.stack/logs'), `${this.id}.log`)
  }

  get env(): Record<string, string> {
    const { kafkaBrokers, s3, gigachat } = this.servers
    const { tasks, results, deadLetters } = this.topics.names
    return {
      DATABASE_URL: this.databaseUrl,
      KAFKA_BROKERS: kafkaBrokers.join(','),
      KAFKA_GROUP_ID: this.topics.groupId,
      KAFKA_TOPIC_TASKS: tasks,
      KAFKA_TOPIC_RESULTS: results,
      KAFKA_TOPIC_DEAD_LETTERS: deadLetters,
      KAFKA_START_FROM: 'earliest',
      S3_ENDPOINT: s3.endpoint,
      S3_ACCESS_KEY: s3.accessKey,
      S3_SECRET_KEY: s3.secretKey,
      S3_BUCKET: this.bucket.name,
      GIGACHAT_BASE_URL: gigachat.baseUrl,
      GIGACHAT_AUTH_URL: gigachat.authUrl,
      GIGACHAT_CREDENTIALS: Buffer.from(`${this.credential}:secret`).toString('base64'),
      GIGACHAT_SCOPE: 'GIGACHAT_API_CORP',
      ...this.options.env,
    }
  }

  /** A worker that may not be ready yet; `env` goes before the rig's own. */
  async launchWorker(env: Readonly<Record<string, string>> = {}): Promise<WorkerProcess> {
    return this.launchWorkerWith({ ...this.env, ...env })
  }

  /** A worker with exactly these settings. */
  async launchWorkerWith(env: Readonly<Record<string, string>>): Promise<WorkerProcess> {
    const { workerMain: main, nodeFlags = [] } = this.options
    const worker = await WorkerProcess.start({ env, logFile: this.logFile, nodeFlags, ...(main !== undefined && { main }) })
    this.workers.push(worker)
    return worker
  }

  /** A worker that is ready. */
  async startWorker(env: Readonly<Record<string, string>> = {}): Promise<WorkerProcess> {
    const worker = await this.launchWorker(env)
    await worker.whenReady()
    return worker
  }

  /** What the workers that run show of themselves: metrics and readiness. */
  async readPages(): Promise<string[]> {
    const running = this.workers.filter(({ isRunning }) => isRunning)
    const pages = await Promise.all(running.flatMap((worker) => [worker.read('metrics'), worker.read('health/ready')]))
    return pages.filter((page) => page !== undefined)
  }

  /** SIGTERM to every worker, and wait. */
  async stopWorkers(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.stop()))
  }

  results(): Promise<EventCollector<ResultEvent>> {
    this.resultCollector ??= EventCollector.start<ResultEvent>(this.servers.kafkaBrokers, [this.topics.names.results])
    return this.resultCollector
  }

  deadLetters(): Promise<EventCollector<DeadLetterEvent>> {
    this.deadLetterCollector ??= EventCollector.start<DeadLetterEvent>(this.servers.kafkaBrokers, [this.topics.names.deadLetters])
    return this.deadLetterCollector
  }

  /** Chat calls of this rig on the simulator's bill. */
  async calls(): Promise<BilledCall[]> {
    const all = await this.simulator.bill()
    return all.filter(({ credential, path }) => credential === this.credential && path.endsWith('/chat/completions'))
  }

  /** A fault rule that hits only this rig's calls. */
  async addFault(rule: Readonly<Record<string, unknown>> & { readonly filter?: object }): Promise<string> {
    const [id] = await this.simulator.addFaults({ ...rule, filter: { ...rule.filter, credential: this.credential } })
    return id!
  }

  /** Rejects where the workers have shown a prompt, an answer or a token: whatever else a test is about. Everything is closed then too. */
  async close(): Promise<void> {
    const pages = await this.readPages()
    await Promise.all(this.workers.map((worker) => worker.kill()))
    const stored = await this.ledger.rows<{ line: string }>('SELECT line::text AS line FROM log_line').catch(() => [])
    const log = await readFile(this.logFile, 'utf8').catch(() => '')
    await Promise.all([
      this.producer.close(),
      this.topics.close(),
      this.ledger.close(),
      this.resultCollector?.then((collector) => collector.close()),
      this.deadLetterCollector?.then((collector) => collector.close()),
    ])
    await dropDatabase(this.servers.databaseUrl, this.id.replaceAll('-', '_'))
    const leak = findLeak([log, ...pages, ...stored.map(({ line }) => line)].join('\n'))
    if (leak !== undefined) throw new Error(`the workers have shown what nobody may see: ${leak.slice(0, 500)}`)
  }
}
