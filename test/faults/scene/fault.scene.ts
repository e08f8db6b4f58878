import type { ServiceRig } from '#tools/rig'
import type { ProducerJournal } from '../invariants/journal.js'
import type { SeededRandom } from '../seeded-random.js'
import type { FaultStage } from '../stage/fault.stage.js'
import type { TaskFeeder } from './task.feeder.js'
import type { WorkerCrew } from './worker.crew.js'

/** What one schedule can break, and who is at work meanwhile. */
export interface FaultScene {
  readonly stage: FaultStage
  readonly rig: ServiceRig
  readonly crew: WorkerCrew
  readonly feeder: TaskFeeder
  readonly journal: ProducerJournal
  readonly random: SeededRandom
}

/** Ends a fault. */
export type Undo = () => void | Promise<void>
