import type { WorkerCrew } from './worker.crew.js'

interface Sample {
  readonly atMs: number
  /** Of `/health/ready`; undefined where nobody answered. */
  readonly status: number | undefined
}

const INTERVAL_MS = 500
const LIMIT_MS = 2_000

/** Asks every worker twice a second whether it is ready, as a load balancer would. Its owner stops it. */
export class ReadinessWatch {
  private readonly samples: Sample[] = []
  private readonly timer: NodeJS.Timeout

  constructor(private readonly crew: WorkerCrew) {
    this.timer = setInterval(() => void this.ask(), INTERVAL_MS)
  }

  /** Whether somebody said so between two moments. */
  saw(status: number, fromMs: number, toMs: number): boolean {
    return this.samples.some((sample) => sample.status === status && sample.atMs >= fromMs && sample.atMs <= toMs)
  }

  stop(): void {
    clearInterval(this.timer)
  }

  private async ask(): Promise<void> {
    await Promise.all(
      this.crew.places.map(async ({ url }) => {
        const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(LIMIT_MS) }).catch(() => undefined)
        await answer?.body?.cancel()
        this.samples.push({ atMs: Date.now(), status: answer?.status })
      }),
    )
  }
}
