import { Client, type Dispatcher } from 'undici'
import { makeChatBody, makeChatHeaders, readAnswer, type PeerAnswer, type PeerTask } from '../chat.contract.js'
import type { ModelSettings } from '../peer.settings.js'

type OnAnswer = (answer: PeerAnswer) => void

/** One kept connection for each call in flight; a free one is the last of a list, where undici's Pool looks through all of them. */
export class BareModel {
  private readonly free: Client[] = []
  private readonly headers: string[]

  constructor(
    private readonly settings: ModelSettings,
    connections: number,
    private readonly fail: (error: unknown) => void,
  ) {
    this.headers = Object.entries(makeChatHeaders(settings)).flat()
    for (let index = 0; index < connections; index++) this.free.push(new Client(settings.origin, { pipelining: 1 }))
  }

  /** There are never more calls than connections. */
  ask(task: PeerTask, onAnswer: OnAnswer): void {
    const client = this.free.pop()!
    const { path, name } = this.settings
    const call = new BareCall(this.fail, (body) => {
      this.free.push(client)
      onAnswer(readAnswer(body))
    })
    client.dispatch({ method: 'POST', path, headers: this.headers, body: makeChatBody(task, name) }, call)
  }

  async close(): Promise<void> {
    await Promise.all(this.free.map((client) => client.close()))
  }
}

/** Collects one answer. */
class BareCall implements Dispatcher.DispatchHandler {
  private status = 0
  private readonly chunks: Buffer[] = []

  constructor(
    private readonly fail: (error: unknown) => void,
    private readonly onBody: (body: string) => void,
  ) {}

  onRequestStart(): void {}

  onResponseStart(_controller: unknown, status: number): void {
    this.status = status
  }

  onResponseData(_controller: unknown, chunk: Buffer): void {
    this.chunks.push(chunk)
  }

  onResponseEnd(): void {
    const body = (this.chunks.length === 1 ? this.chunks[0]! : Buffer.concat(this.chunks)).toString()
    if (this.status === 200) this.onBody(body)
    else this.fail(new Error(`the model answered ${this.status}: ${body.slice(0, 200)}`))
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.fail(error)
  }
}
