import { RedriveOperator, TaskOperator, WaitOperator } from '#libs/admin'
import type { Environment } from '#libs/config'
import { connectOperators, dbSettings, missingMigrations } from '#libs/db'
import { SystemClock, type DeadLetters, type LaneGates } from '#libs/kernel'
import { makeCancelledEnd } from '#libs/tasks'

export interface Operators extends AsyncDisposable {
  readonly tasks: TaskOperator
  readonly deadLetters: DeadLetters
  readonly redrives: RedriveOperator
  /** By these limits: what else operators do needs none. */
  makeWaits(gates: LaneGates): WaitOperator
}

/** Refuses a database that is behind this release: its statements would fail halfway. */
export async function openOperators(env: Environment): Promise<Operators> {
  const settings = dbSettings.parse(env)
  const missing = await missingMigrations(settings.directUrl)
  if (missing.length > 0) throw new Error(`the database lacks ${missing.join(', ')}: run sluice migrate first`)
  const ports = connectOperators(settings)
  const clock = new SystemClock()
  return {
    tasks: new TaskOperator(ports.tasks, (task) => makeCancelledEnd(task, clock.nowMs())),
    deadLetters: ports.deadLetters,
    redrives: new RedriveOperator(ports.redrives),
    makeWaits: (gates) => new WaitOperator(ports.waits, ports.limits, gates),
    [Symbol.asyncDispose]: () => ports[Symbol.asyncDispose](),
  }
}
