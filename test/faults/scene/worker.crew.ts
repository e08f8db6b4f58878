import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { readInterruptionOf } from '../interruption.js'
import type { ServiceRig, WorkerExit, WorkerProcess } from '#tools/rig'
import type { SeededRandom } from '../seeded-random.js'

export interface CrewOptions {
  readonly replicas: number
  readonly env: Readonly<Record<string, string>>
  readonly random: SeededRandom
}

/** A worker whose failpoints are armed. */
export interface ArmedWorker {
  /** Resolves when it has died, with what starts another in its place. */
  readonly died: Promise<() => Promise<void>>
  readonly disarm: () => Promise<void>
}

/** The workers of one schedule: `replicas` places, each of which has one worker or, after a kill, none for a while. */
export class WorkerCrew {
  readonly places: WorkerProcess[] = []
  /** Attempts that were open when their worker died. */
  readonly interrupted = new Set<string>()
  /** Of workers that were asked to stop. */
  readonly exits: WorkerExit[] = []
  /** Of workers that died by themselves. */
  readonly deaths: WorkerExit[] = []

  constructor(
    private readonly rig: ServiceRig,
    private readonly options: CrewOptions,
  ) {}

  async start(): Promise<void> {
    await mkdir(dirname(this.rig.logFile), { recursive: true })
    for (let place = 0; place < this.options.replicas; place++) await this.fill(place)
  }

  /** SIGKILL to one of them. Gives what starts another in its place. */
  async kill(): Promise<() => Promise<void>> {
    const place = this.pick()
    await this.places[place]!.kill()
    await this.noteInterruption(place)
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

  /** Arms failpoints of one of them. */
  async arm(points: string): Promise<ArmedWorker> {
    const place = this.pick()
    const worker = this.places[place]!
    const set = async (text: string) => {
      await writeFile(this.failpointsFile(place), text)
      worker.signal('SIGUSR2')
    }
    await set(points)
    const died = worker.exited.then(async (exit) => {
      this.deaths.push(exit)
      await this.noteInterruption(place)
      return () => this.fill(place)
    })
    died.catch(() => undefined)
    return { died, disarm: () => set('') }
  }

  /** One worker more comes and goes, one time after the other. */
  async churn(times: number): Promise<void> {
    for (let time = 0; time < times; time++) {
      const guest = await this.launch(this.options.replicas)
      await guest.whenReady(READY_LIMIT_MS)
      this.exits.push(await guest.stop())
    }
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

  private async noteInterruption(place: number): Promise<void> {
    for (const id of await readInterruptionOf(this.rig, this.places[place]!.pid)) this.interrupted.add(id)
  }

  private async fill(place: number): Promise<void> {
    const worker = await this.launch(place)
    this.places[place] = worker
    await worker.whenReady(READY_LIMIT_MS)
  }

  private async launch(place: number): Promise<WorkerProcess> {
    const failpoints = this.failpointsFile(place)
    await writeFile(failpoints, '')
    return this.rig.launchWorker({ ...this.options.env, KAFKA_GROUP_INSTANCE_ID: `worker-${place}`, FAILPOINTS_FILE: failpoints })
  }

  private failpointsFile(place: number): string {
    return `${this.rig.logFile}.${place}.failpoints`
  }
}

const READY_LIMIT_MS = 60_000
