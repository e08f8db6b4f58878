import { readInterruption } from '../interruption.js'
import type { ServiceRig, WorkerExit, WorkerProcess } from '#tools/rig'
import type { SeededRandom } from '../seeded-random.js'

export interface CrewOptions {
  readonly replicas: number
  readonly env: Readonly<Record<string, string>>
  readonly random: SeededRandom
}

/** The workers of one schedule: `replicas` places, each of which has one worker or, after a kill, none for a while. */
export class WorkerCrew {
  readonly places: WorkerProcess[] = []
  /** Attempts that were open when the only worker was killed; with several workers nobody can tell whose they were. */
  readonly interrupted = new Set<string>()
  /** Of workers that were asked to stop. */
  readonly exits: WorkerExit[] = []

  constructor(
    private readonly rig: ServiceRig,
    private readonly options: CrewOptions,
  ) {}

  async start(): Promise<void> {
    for (let place = 0; place < this.options.replicas; place++) await this.fill(place)
  }

  /** SIGKILL to one of them. Gives what starts another in its place. */
  async kill(): Promise<() => Promise<void>> {
    const place = this.pick()
    await this.places[place]!.kill()
    if (this.places.length === 1) for (const id of (await readInterruption(this.rig)).sending) this.interrupted.add(id)
    return () => this.fill(place)
  }

  /** SIGTERM to one of them. Gives what starts another in its place. */
  async stopOne(place = this.pick()): Promise<() => Promise<void>> {
    this.exits.push(await this.places[place]!.stop())
    return () => this.fill(place)
  }

  /** SIGSTOP to one of them. Gives what lets it go on. */
  freeze(): () => void {
    const worker = this.places[this.pick()]!
    worker.signal('SIGSTOP')
    return () => worker.signal('SIGCONT')
  }

  async roll(): Promise<void> {
    for (const place of this.places.keys()) {
      const refill = await this.stopOne(place)
      await refill()
    }
  }

  /** SIGTERM to all. */
  async stop(): Promise<void> {
    this.exits.push(...(await Promise.all(this.places.map((worker) => worker.stop()))))
  }

  private pick(): number {
    return this.options.random.between(0, this.places.length - 1)
  }

  private async fill(place: number): Promise<void> {
    const worker = await this.rig.launchWorker({ ...this.options.env, KAFKA_GROUP_INSTANCE_ID: `worker-${place}` })
    this.places[place] = worker
    await worker.whenReady(READY_LIMIT_MS)
  }
}

const READY_LIMIT_MS = 60_000
