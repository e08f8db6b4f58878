import { giveBackPort } from '../stack/network/free-port.js'
import type { SupervisedProcess } from '../stack/supervision/supervised.process.js'

export interface PrometheusSample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

interface Answer {
  readonly status: 'success' | 'error'
  readonly error?: string
  readonly data: {
    readonly resultType: string
    readonly result: readonly { readonly metric: Record<string, string>; readonly value: [number, string] }[]
  }
}

/** A running Prometheus. Whoever starts it stops it; it ends with its owner otherwise. */
export class PrometheusServer implements AsyncDisposable {
  constructor(
    private readonly running: SupervisedProcess,
    private readonly port: number,
  ) {}

  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** What an expression is now: a value for each time series. Rejects where Prometheus does not understand it. */
  async query(expression: string): Promise<PrometheusSample[]> {
    const answer = (await this.ask(`query?query=${encodeURIComponent(expression)}`)) as Answer
    if (answer.status !== 'success') throw new Error(`${answer.error}: ${expression}`)
    if (answer.data.resultType === 'scalar') return [{ labels: {}, value: Number((answer.data.result as unknown as [number, string])[1]) }]
    return answer.data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
  }

  /** The trace ids of the exemplars of a metric. */
  async exemplars(selector: string): Promise<string[]> {
    const end = Date.now() / 1_000
    const answer = (await this.ask(`query_exemplars?query=${encodeURIComponent(selector)}&start=${end - 600}&end=${end}`)) as {
      data: { exemplars: { labels: { trace_id?: string } }[] }[]
    }
    return answer.data.flatMap(({ exemplars }) => exemplars.flatMap(({ labels }) => labels.trace_id ?? []))
  }

  async stop(): Promise<void> {
    await this.running.abandon()
    giveBackPort(this.port)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  private async ask(path: string): Promise<unknown> {
    const response = await fetch(`${this.url}/api/v1/${path}`)
    return response.json()
  }
}
