import { WorkerProcess } from '#tools/rig'
import type { RunningPeer } from './running.peer.js'

const SCRAPE_EVERY_MS = 5_000

/** The service as it is shipped, and scraped as Prometheus does, unless nothing is to be seen of it. */
export class SluicePeer implements RunningPeer {
  private scraping: NodeJS.Timeout | undefined

  private constructor(private readonly worker: WorkerProcess) {}

  static async start(
    options: Parameters<typeof WorkerProcess.start>[0],
    { isScraped }: { readonly isScraped: boolean },
  ): Promise<SluicePeer> {
    const peer = new SluicePeer(await WorkerProcess.start(options))
    if (isScraped) peer.scraping = setInterval(() => void peer.scrape(), SCRAPE_EVERY_MS)
    return peer
  }

  get pid(): number {
    return this.worker.pid
  }

  get isRunning(): boolean {
    return this.worker.isRunning
  }

  async stop(): Promise<void> {
    clearInterval(this.scraping)
    const { code, signal } = await this.worker.stop()
    if (code !== 0) throw new Error(`the service ended with ${signal ?? `exit code ${code}`}`)
  }

  private async scrape(): Promise<void> {
    const response = await fetch(`${this.worker.url}/metrics`, { headers: { accept: 'application/openmetrics-text' } }).catch(
      () => undefined,
    )
    await response?.text()
  }
}
