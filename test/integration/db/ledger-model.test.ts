import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { HotPool } from '../../../libs/db/src/connection/hot-pool.js'
import { DueTasks } from '../../../libs/db/src/ledger/due-tasks.js'
import { PostgresLedger } from '../../../libs/db/src/ledger/postgres-ledger.js'
import { compareSteps } from '../../model/compare-step.js'
import { loadKeptSequences, loadSequence, saveSequence } from '../../model/failed-sequence.js'
import type { LedgerStep } from '../../model/ledger.step.js'
import { readModelSettings } from '../../model/model.settings.js'
import { ModelWorld } from '../../model/model.world.js'
import { ForgetfulPool, PostgresWorld, type PostgresServer } from '../../model/postgres.world.js'
import { stepArbitraries } from '../../model/step.arbitrary.js'
import { StepCommand } from '../../model/step.command.js'
import { createLedgerDatabase, makeDbSettings } from './test-database.js'

const { runs, seed, replay } = readModelSettings()
const MAX_STEPS = 40
/** A run takes about a third of a second on a busy machine. */
const TIMEOUT_MS = 60_000 + runs * 2_000

async function openServer(): Promise<PostgresServer> {
  const { url, sql } = await createLedgerDatabase()
  const settings = makeDbSettings(url)
  const [pool, hints] = [new ForgetfulPool(settings), new HotPool(settings)]
  const due = new DueTasks(hints, settings)
  onTestFinished(async () => {
    await due.stop()
    await Promise.all([pool.close(), hints.close()])
  })
  return { sql, pool, due, settings }
}

async function replaySteps(server: PostgresServer, steps: readonly LedgerStep[]): Promise<void> {
  await compareSteps(new ModelWorld(), await PostgresWorld.open(server), steps)
}

describe(`${PostgresLedger.name} and its model`, () => {
  it.skipIf(replay)('agree after every step of any sequence', { timeout: TIMEOUT_MS }, async () => {
    const server = await openServer()
    let failing: readonly LedgerStep[] = []
    const property = fc.asyncProperty(
      fc.commands(
        stepArbitraries.map((steps) => steps.map((step) => new StepCommand(step))),
        { maxCommands: MAX_STEPS, size: 'max' },
      ),
      async (commands) => {
        const trace: LedgerStep[] = []
        const real = { world: await PostgresWorld.open(server), trace }
        try {
          await fc.asyncModelRun(() => ({ model: new ModelWorld(), real }), commands)
        } catch (error) {
          // What fast-check fails with in the end is the last sequence that failed.
          failing = trace
          throw error
        }
      },
    )
    const result = await fc.check(property, { numRuns: runs, seed, unbiased: true })
    if (!result.failed) return
    const about = String(result.errorInstance)
    const file = await saveSequence({ about, seed: result.seed, path: result.counterexamplePath ?? '', steps: failing })
    expect.fail(
      `${about}\nseed ${result.seed}, path ${result.counterexamplePath}; to run these ${failing.length} steps again: MODEL_REPLAY=${file}`,
    )
  })

  it.runIf(replay)('agree after the steps of MODEL_REPLAY', async () => {
    const server = await openServer()
    await expect(replaySteps(server, (await loadSequence(replay!)).steps)).resolves.toBeUndefined()
  })

  it('agree after the steps that are kept because they show a rule broken', async () => {
    const server = await openServer()
    for (const { steps } of await loadKeptSequences()) await expect(replaySteps(server, steps)).resolves.toBeUndefined()
  })
})
