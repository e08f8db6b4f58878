import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { rootCertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runPromtool, startPrometheus, type PrometheusServer } from '#tools/prometheus'
import { startOwnSimulator, waitUntil, type ServiceRig, type WorkerProcess } from '#tools/rig'
import { makePrometheusText } from '../../libs/metrics/src/prometheus-text.js'
import { readQueries } from '../../tools/dashboards/read-queries.js'
import { OtlpReceiver } from '../harness/otlp/otlp.receiver.js'
import { send, waitForResults } from './exchange.js'
import { INLINE_ANSWER_BYTES, makePrompt, openRig } from './open-rig.js'

/** A budget, a rate and a price, so that all meters are there. */
const LIMITS = `
credentials:
  gigachat:
    max_streams: 4
    requests_per_minute: 6000
    tokens_per_minute: 10000000
    models:
      GigaChat-2: { price: { prompt_per_1k: 0.065, completion_per_1k: 0.065 } }
      GigaChat-2-Pro: { price: { prompt_per_1k: 0.5, completion_per_1k: 0.5 } }
tenants: { default: { budget: { tokens_per_day: 10000000, money_per_day: 1000000 } } }
`
const OPENMETRICS = 'application/openmetrics-text;version=1.0.0'
/** What stands for the variables of the dashboards: Prometheus scrapes every second here. */
const VARIABLES = { __rate_interval: '30s', job: 'sluice', instance: '.*' }

describe('Sluice, scraped by a real Prometheus', { timeout: 240_000 }, () => {
  let folder: string
  let rig: ServiceRig
  let worker: WorkerProcess
  let receiver: OtlpReceiver
  let prometheus: PrometheusServer
  let simulator: Awaited<ReturnType<typeof startOwnSimulator>>

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-metrics-'))
    writeFileSync(join(folder, 'limits.yaml'), LIMITS)
    writeFileSync(join(folder, 'roots.pem'), rootCertificates[0]!)
    receiver = await OtlpReceiver.start()
    simulator = await startOwnSimulator()
    rig = await openRig(
      'scraped',
      {
        LIMITS_FILE: join(folder, 'limits.yaml'),
        GIGACHAT_CA_BUNDLE_FILE: join(folder, 'roots.pem'),
        OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
        OTEL_BSP_SCHEDULE_DELAY: '200',
        LLM_CALL_TIMEOUT_MS: '3000',
        SHUTDOWN_GRACE_MS: '15000',
        LLM_BREAKER_FAILURES: '3',
      },
      { gigachat: simulator.gigachat },
    )
    worker = await rig.startWorker()
    prometheus = await startPrometheus({
      targets: [new URL(worker.url).host],
      ruleFiles: [resolve('helm/sluice/alerts/sluice.rules.yaml')],
    })
  })
  afterAll(async () => {
    await prometheus?.stop()
    await rig?.close()
    await simulator?.stop()
    await receiver?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const scrape = async (accept: string) => (await fetch(`${worker.url}/metrics`, { headers: { accept } })).text()

  /** The sum of the series of a metric whose labels hold this text. */
  const read = async (name: string, labels = /./) => sumSeries(await scrape('text/plain'), name, labels)

  /** Everything that can become of a task and a record, and of calls. */
  const work = async () => {
    await rig.bucket.put('inputs/note.txt', Buffer.from('a note'))
    await rig.addFault({ kind: 'error', status: 500, count: 1, filter: { task: 'shaky' } })
    await rig.addFault({ kind: 'error', status: 429, count: 1, retryAfter: 0, filter: { task: 'limited' } })
    await rig.addFault({ kind: 'error', status: 400, filter: { task: 'refused' } })
    await rig.addFault({ kind: 'drop', where: 'after_processing', count: 1, filter: { task: 'dropped' } })
    await rig.addFault({ kind: 'error', status: 500, filter: { model: 'GigaChat-2-Pro' } })
    const plain = makeIds('plain', 20)
    const slow = makeIds('slow', 16)
    const single = ['shaky', 'limited', 'refused', 'dropped']
    await send(
      rig,
      [...plain, ...single].map((id) => makePrompt(id)),
    )
    await send(
      rig,
      slow.map((id) => makePrompt(id, { latencyMs: 700 })),
    )
    await send(rig, [makePrompt('filed', { files: [{ key: 'inputs/note.txt', name: 'note' }] })])
    await send(rig, [{ task_id: 'large', prompt: `[[task:large]] [[answer_bytes:${2 * INLINE_ANSWER_BYTES}]]` }])
    await send(rig, [makePrompt('doomed', { model: 'GigaChat-2-Pro' })])
    await rig.producer.send([
      { topic: rig.topics.names.tasks, partition: 0, value: 'not json' },
      { topic: rig.topics.names.tasks, partition: 0, value: makePrompt('plain-0') },
    ])
    await waitForResults(rig, [...plain, ...single, ...slow, 'filed', 'large'], 60_000)
  }

  it('answers every query of the dashboards, while it works', async () => {
    // Counters that began with an event have no increase before the next one: two rounds.
    await work()
    const queries = readQueries('helm/sluice/dashboards', VARIABLES)
    expect(queries.length).toBeGreaterThan(70)
    const open = new Set(queries)
    let round = 0
    await waitUntil(
      async () => {
        await send(
          rig,
          Array.from({ length: 8 }, (_, index) => makePrompt(`more-${round}-${index}`, { latencyMs: 400 })),
        )
        round++
        for (const query of open) {
          const samples = await prometheus.query(query.expression)
          if (samples.some(({ value }) => Number.isFinite(value))) open.delete(query)
        }
        return open.size === 0
      },
      { what: 'all panels to have data', timeoutMs: 60_000 },
    ).catch(() => undefined)
    expect([...open].map(({ dashboard, panel, expression }) => `${dashboard}: ${panel}: ${expression}`)).toEqual([])
  })

  it('evaluates every alert rule, and none pages while all is well', async () => {
    const rules = (await (await fetch(`${prometheus.url}/api/v1/rules`)).json()) as {
      data: { groups: { rules: { name: string; health: string; lastError?: string }[] }[] }
    }
    const all = rules.data.groups.flatMap((group) => group.rules)
    expect(all.length).toBeGreaterThan(20)
    expect(all.filter(({ health }) => health !== 'ok')).toEqual([])
    await expect(prometheus.query('ALERTS{alertstate="firing",severity="page"}')).resolves.toEqual([])
  })

  it('names traces in its histograms that the trace store has', async () => {
    const ids = await waitUntil(
      async () => {
        const found = await prometheus.exemplars('sluice_task_duration_seconds_bucket')
        return found.length > 0 && found
      },
      { what: 'exemplars' },
    )
    const known = new Set(receiver.spans.map(({ traceId }) => traceId))
    expect(ids.filter((id) => !known.has(id))).toEqual([])
  })

  it('has nothing for promlint to find, in either format', async () => {
    const plain = await scrape('text/plain')
    const lint = await runPromtool(['check', 'metrics'], plain)
    // The default metrics are prom-client's.
    expect(lint.text.split('\n').filter((line) => line.includes('sluice_'))).toEqual([])
    const openMetrics = await scrape(OPENMETRICS)
    expect(openMetrics.endsWith('# EOF\n')).toBe(true)
    expect((await runPromtool(['check', 'metrics'], makePrometheusText(openMetrics))).text).not.toContain('sluice_')
  })

  it('adds up: what was accepted is finished or in hand, and every record was taken for something', async () => {
    const isQuiet = async () =>
      (await rig.ledger.value<number>(
        `SELECT count(*)::integer FROM task_queue WHERE state = 'running' OR (state = 'pending' AND run_at <= now())`,
      )) === 0
    await waitUntil(isQuiet, { what: 'everything that can run to have run', timeoutMs: 60_000 })
    // By the ledger's books at any moment: one scrape is one sample.
    const text = await scrape('text/plain')
    const sumOf = (name: string, labels: RegExp) => sumSeries(text, name, labels)
    expect(sumOf('sluice_ledger_runs', /accepted|redriven/)).toBeGreaterThan(40)
    expect(sumOf('sluice_ledger_runs', /accepted|redriven/)).toBe(
      sumOf('sluice_ledger_runs', /succeeded|failed|cancelled|expired/) + sumOf('sluice_ledger_tasks', /./),
    )
    // The counters of this process agree, once the sample is younger than they are.
    await waitUntil(
      async () => {
        const [accepted, finished, inHand] = await Promise.all([
          read('sluice_tasks_accepted_total'),
          read('sluice_tasks_finished_total'),
          read('sluice_ledger_tasks'),
        ])
        return accepted > 0 && accepted === finished + inHand
      },
      { what: 'the sums to agree' },
    )
    const records = (await rig.topics.ends([0, 1])).reduce((sum, { offset }) => sum + Number(offset), 0)
    await expect(read('sluice_deliveries_total')).resolves.toBe(records)
    await expect(read('sluice_deliveries_total', /rejected/)).resolves.toBe(1)
    await expect(read('sluice_deliveries_total', /duplicate/)).resolves.toBe(1)
  })
})

function makeIds(kind: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${kind}-${index}`)
}

function sumSeries(text: string, name: string, labels: RegExp): number {
  const lines = text.split('\n').filter((line) => line.startsWith(`${name}{`) && labels.test(line.slice(name.length)))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}
