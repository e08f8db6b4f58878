import pg from 'pg'
import type { Lane } from '#libs/kernel'
import { EvictingClient } from '../connection/evicting.client.js'
import type { HotPool, Statement } from '../connection/hot-pool.js'

const CHANNEL = 'sluice_due'
/** It takes a lock of the whole database at commit, so it goes out alone and seldom. */
export const NOTIFY_DUE: Statement = { name: 'notify-due', text: `NOTIFY ${CHANNEL}` }
const MIN_INTERVAL_MS = 100
const RECONNECT_MS = 5_000

/**
 * Tells that tasks may have become due: here at once, on other replicas by NOTIFY. It is only a hint and may be lost; a slow poll of the
 * claimer stands behind it.
 *
 * quiet -> sent (the first announcement goes out at once) -> resting (100 ms; announcements are gathered) -> sent, if there were any
 */
export class DueTasks {
  private readonly listeners = new Set<(lanes?: readonly Lane[]) => void>()
  private client: pg.Client | undefined
  private resting: NodeJS.Timeout | undefined
  private reconnecting: NodeJS.Timeout | undefined
  private gathered = false
  private stopped = false

  constructor(
    private readonly pool: HotPool,
    private readonly options: { readonly directUrl: string; readonly connectTimeoutMs: number },
  ) {}

  listen(listener: (lanes?: readonly Lane[]) => void): () => void {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** Tasks have become due that any replica may take; of any lane where `lanes` is left out. */
  announce(lanes?: readonly Lane[]): void {
    this.announceHere(lanes)
    if (this.resting) this.gathered = true
    else this.send()
  }

  announceHere(lanes?: readonly Lane[]): void {
    this.listeners.forEach((listener) => listener(lanes))
  }

  /** Listens to the other replicas, and goes on trying while it cannot. */
  async start(): Promise<void> {
    if (this.stopped) return
    const client = new EvictingClient({
      connectionString: this.options.directUrl,
      connectionTimeoutMillis: this.options.connectTimeoutMs,
      application_name: 'sluice-listen',
      keepAlive: true,
    })
    client.on('notification', () => this.announceHere())
    client.on('error', () => this.reconnectLater(client))
    client.on('end', () => this.reconnectLater(client))
    this.client = client
    try {
      await client.connect()
      await client.query(`LISTEN ${CHANNEL}`)
    } catch {
      this.reconnectLater(client)
    }
  }

  async stop(): Promise<void> {
    this.stopped = true
    clearTimeout(this.resting)
    clearTimeout(this.reconnecting)
    await this.client?.end().catch(() => {})
  }

  private send(): void {
    this.gathered = false
    this.resting = setTimeout(() => {
      this.resting = undefined
      if (this.gathered && !this.stopped) this.send()
    }, MIN_INTERVAL_MS)
    // A hint that does not get through is made good by the poll.
    this.pool.run(NOTIFY_DUE, []).catch(() => {})
  }

  private reconnectLater(client: pg.Client): void {
    if (this.stopped || this.client !== client) return
    this.client = undefined
    client.end().catch(() => {})
    this.reconnecting = setTimeout(() => void this.start(), RECONNECT_MS)
  }
}
