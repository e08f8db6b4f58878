import { once } from 'node:events'
import { join } from 'node:path'
import type { DeadLetterEvent, ResultEvent } from '#libs/contracts'
import { EventCollector, SimulatorControl, TaskProducer, WorkerProcess } from '#tools/rig'
import { createDatabase, makeEnvironment, printProgress, startStack, type Stack } from '#tools/stack'
import { checkOutcome } from './check-outcome.js'
import type { DemoCase } from './demo.case.js'
import { DemoBucket } from './demo.bucket.js'
import { countPaidCalls, type Observations } from './demo.observations.js'
import { makePlan } from './demo.plan.js'
import { makeSummary, type DemoSummary } from './demo.summary.js'
import { makeFiles, readTexts } from './demo.texts.js'
import { ExpectedAnswers } from './expected-answers.js'
import { formatSummary } from './format-summary.js'

const BUCKET = 'sluice-demo'
const STREAMS = 10
const WAVE = 40
const LIMIT_MS = 120_000
const PROGRESS_MS = 1_000

interface DemoOptions {
  readonly json: boolean
  readonly keep: boolean
}

/** Talk goes to stderr, the summary to stdout. */
function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

/** The main job, from nothing to a checked summary. */
export async function runDemo({ json, keep }: DemoOptions): Promise<DemoSummary> {
  await using stack = await startStack({ name: 'demo', onProgress: printProgress })
  const run = new DemoRun(stack)
  try {
    const summary = await run.start()
    if (!json) process.stdout.write(`${formatSummary(summary)}\n`)
    say(run.describePlaces(keep))
    if (keep) await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
    if (json) process.stdout.write(`${JSON.stringify(summary)}\n`)
    return summary
  } finally {
    await run.close()
  }
}

/** Owns the worker, the producer and the collectors; `close` ends them in that order. */
class DemoRun {
  private readonly prefix = `demo-${Date.now().toString(36)}`
  private readonly topics = { tasks: `${this.prefix}.tasks`, results: `${this.prefix}.results`, deadLetters: `${this.prefix}.dead-letters` }
  private readonly closers: (() => Promise<unknown>)[] = []
  private worker: WorkerProcess | undefined

  constructor(private readonly stack: Stack) {}

  async start(): Promise<DemoSummary> {
    const databaseUrl = await createDatabase(this.stack.databaseUrl, this.prefix.replaceAll('-', '_'))
    const simulator = await this.slowDownSimulator()
    const bucket = new DemoBucket(this.stack.s3, BUCKET)
    const texts = await readTexts()
    const files = await bucket.fill(this.prefix, makeFiles(texts))
    this.worker = await this.startWorker(databaseUrl)
    const plan = makePlan({ prefix: this.prefix, texts, fileKeys: [...files.keys()] })
    const observed = await this.sendAndWait(plan)
    await using answers = await ExpectedAnswers.create(files)
    const paidCalls = await countPaidCalls(simulator, databaseUrl)
    const seen: Observations = { ...observed, paidCalls }
    const context = { seen, answers, readObject: bucket.read.bind(bucket) }
    const checked = await Promise.all(plan.map(async (demo) => ({ demo, verdict: await checkOutcome(demo, context) })))
    const results = seen.results.map(({ value }) => value)
    return makeSummary({ checked, results, latenciesMs: observed.latenciesMs, seconds: observed.seconds, paidCalls })
  }

  describePlaces(kept: boolean): string {
    const { worker, stack } = this
    return [
      '',
      kept ? 'Everything keeps running until Ctrl-C:' : 'While it ran (--keep leaves everything running):',
      `  health    ${worker?.url}/health/ready`,
      `  metrics   ${worker?.url}/metrics`,
      `  topics    ${Object.values(this.topics).join(', ')} on ${stack.kafkaBrokers.join(',')}`,
      `  files     ${stack.s3.endpoint} bucket ${BUCKET} (user ${stack.s3.accessKey}; the console's port is in the log of MinIO)`,
      `  GigaChat  ${stack.gigachat.controlUrl ?? stack.gigachat.baseUrl}${stack.gigachat.controlUrl ? '/bill/summary' : ''}`,
      `  logs      ${stack.logFolder}`,
    ].join('\n')
  }

  async close(): Promise<void> {
    await this.worker?.stop()
    await Promise.allSettled(this.closers.map((close) => close()))
  }

  /** A model takes its time; without any there would be nothing to see. */
  private async slowDownSimulator(): Promise<SimulatorControl> {
    const { controlUrl } = this.stack.gigachat
    if (!controlUrl) throw new Error('the demo reads the bill of the GigaChat simulator: unset GIGACHAT_BASE_URL to have it started')
    const simulator = new SimulatorControl(controlUrl)
    await simulator.set({ latency: { kind: 'uniform', minMs: 50, maxMs: 400 } })
    return simulator
  }

  private async startWorker(databaseUrl: string): Promise<WorkerProcess> {
    say('service: starting ...')
    const logFile = join(this.stack.logFolder, 'worker.log')
    const worker = await WorkerProcess.start({
      logFile,
      env: {
        ...makeEnvironment(this.stack),
        DATABASE_URL: databaseUrl,
        GIGACHAT_SCOPE: 'GIGACHAT_API_CORP',
        LLM_MAX_STREAMS: String(STREAMS),
        KAFKA_GROUP_ID: this.prefix,
        KAFKA_TOPIC_TASKS: this.topics.tasks,
        KAFKA_TOPIC_RESULTS: this.topics.results,
        KAFKA_TOPIC_DEAD_LETTERS: this.topics.deadLetters,
        KAFKA_CREATE_TOPICS: 'true',
        S3_BUCKET: BUCKET,
      },
    })
    await worker.whenReady().catch((error: unknown) => {
      throw new Error(`${(error as Error).message}; its log is ${logFile}`)
    })
    say(`service: ready on ${worker.url}`)
    return worker
  }

  private async sendAndWait(
    plan: readonly DemoCase[],
  ): Promise<Omit<Observations, 'paidCalls'> & { latenciesMs: number[]; seconds: number }> {
    const { kafkaBrokers } = this.stack
    const results = await EventCollector.start<ResultEvent>(kafkaBrokers, [this.topics.results])
    const deadLetters = await EventCollector.start<DeadLetterEvent>(kafkaBrokers, [this.topics.deadLetters])
    const producer = new TaskProducer(kafkaBrokers)
    this.closers.push(
      () => producer.close(),
      () => results.close(),
      () => deadLetters.close(),
    )
    const startedAtMs = Date.now()
    const sentAtMs = new Map<string, number>()
    const progress = setInterval(
      () => say(`  ${seconds(startedAtMs)} s: ${results.events.length} results, ${deadLetters.events.length} dead letters`),
      PROGRESS_MS,
    )
    try {
      for (let start = 0; start < plan.length; start += WAVE) {
        const wave = plan.slice(start, start + WAVE)
        for (const { expected } of wave)
          if (expected.outcome !== 'rejected' && !sentAtMs.has(expected.task.task_id)) sentAtMs.set(expected.task.task_id, Date.now())
        await producer.send(wave.map(({ record }) => ({ ...record, topic: this.topics.tasks })))
      }
      say(`${plan.length} records sent; ${STREAMS} streams at the model`)
      await this.waitForEnds(plan, { results, deadLetters })
    } finally {
      clearInterval(progress)
    }
    const latenciesMs = results.events.flatMap(({ value, receivedAtMs }) => {
      const sent = sentAtMs.get(value.task_id)
      return sent === undefined ? [] : [receivedAtMs - sent]
    })
    const lastMs = Math.max(startedAtMs + 1, ...[...results.events, ...deadLetters.events].map(({ receivedAtMs }) => receivedAtMs))
    return { results: results.events, deadLetters: deadLetters.events, latenciesMs, seconds: (lastMs - startedAtMs) / 1_000 }
  }

  /** Until every record has come to an end. What never comes is reported as lost, so the limit is no error here. */
  private async waitForEnds(
    plan: readonly DemoCase[],
    { results, deadLetters }: { results: EventCollector<ResultEvent>; deadLetters: EventCollector<DeadLetterEvent> },
  ): Promise<void> {
    const tasks = new Set(plan.flatMap(({ expected }) => (expected.outcome === 'rejected' ? [] : [expected.task.task_id])))
    const letters = plan.filter(({ expected }) => expected.outcome === 'rejected' || expected.outcome === 'failed').length
    const limit = { timeoutMs: LIMIT_MS }
    await Promise.all([
      results.waitFor((events) => new Set(events.map(({ value }) => value.task_id)).size >= tasks.size, { what: 'all results', ...limit }),
      deadLetters.waitFor((events) => events.length >= letters, { what: 'all dead letters', ...limit }),
    ]).catch((error: unknown) => say((error as Error).message))
  }
}

function seconds(sinceMs: number): string {
  return ((Date.now() - sinceMs) / 1_000).toFixed(0)
}
