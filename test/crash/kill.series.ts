import { setTimeout as delay } from 'node:timers/promises'
import type { ServiceRig } from '#tools/rig'
import { countSteps, readInterruptionOf, type CaughtSteps } from '../faults/interruption.js'
import type { ProducerJournal } from '../faults/invariants/journal.js'
import type { Violation } from '../faults/invariants/violation.js'
import { OffsetWatch } from '../faults/offset.watch.js'
import { SeededRandom } from '../faults/seeded-random.js'
import { TaskMix } from '../faults/task.mix.js'

export interface KillOptions {
  readonly kills: number
  readonly seed: number
  readonly recordsPerKill?: number
  readonly onKill?: (kill: number, caught: CaughtSteps) => void
}

/** A killed member that comes back under its own name is let in at once; another would wait for its session to end. */
export function nameMember(place: number): Readonly<Record<string, string>> {
  return { KAFKA_GROUP_INSTANCE_ID: `crash-${place}` }
}

/** So many kills, shared by the places in which workers live. */
export class KillSeries {
  /** Attempts that were open when their worker was killed. */
  readonly interrupted = new Set<string>()
  /** In how many kills each step was caught. */
  readonly kinds: Record<string, number> = { starting: 0, preparing: 0, sending: 0, answered: 0, unpublished: 0 }
  readonly violations: Violation[] = []
  private readonly random: SeededRandom
  private readonly mix: TaskMix
  private readonly offsets: OffsetWatch
  private begun = 0
  private done = 0
  /** One at a time: what was sent before may be sent again, and each record is looked for once. */
  private turn: Promise<void> = Promise.resolve()

  constructor(
    private readonly rig: ServiceRig,
    private readonly journal: ProducerJournal,
    private readonly options: KillOptions,
  ) {
    this.random = new SeededRandom(options.seed)
    this.mix = new TaskMix({ rig, random: this.random, largeAnswerBytes: 2 * Number(rig.env.INLINE_ANSWER_BYTES) })
    this.offsets = new OffsetWatch(rig, journal)
  }

  /** The life of one place: a worker is started, lives for a while, and is killed, until all kills are done. */
  async run(place: number): Promise<void> {
    const { kills, recordsPerKill = 100, onKill } = this.options
    while (this.begun < kills) {
      this.begun++
      await this.inTurn(async () => this.journal.send(await this.mix.make(recordsPerKill)))
      const { pid, whileStarting } = await this.killOne(place)
      const sending = await readInterruptionOf(this.rig, pid)
      const caught = { ...(await countSteps(this.rig)), sending }
      sending.forEach((id) => this.interrupted.add(id))
      if (whileStarting) this.kinds.starting!++
      for (const [step, value] of Object.entries(caught)) if ((Array.isArray(value) ? value.length : value) > 0) this.kinds[step]!++
      await this.inTurn(async () => void this.violations.push(...(await this.offsets.check())))
      onKill?.(++this.done, caught)
    }
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const done = this.turn.then(work)
    this.turn = done.catch(() => undefined)
    return done
  }

  private async killOne(place: number): Promise<{ readonly pid: number; readonly whileStarting: boolean }> {
    const { random } = this
    const worker = await this.rig.launchWorker(nameMember(place))
    const whileStarting = random.next() < 0.1
    if (whileStarting) await delay(random.between(50, 1_000))
    else {
      await worker.whenReady()
      // Most workers die young; the others live long enough to take over what their predecessor held.
      await delay(random.next() < 0.7 ? random.between(0, 1_200) : random.between(1_200, 4_000))
    }
    await worker.kill()
    return { pid: worker.pid, whileStarting }
  }
}
