import { makeClaimRoom } from '../../factories/claim-room.factory.js'
import { describe, expect, it } from 'vitest'
import { RedriveOperator } from '#libs/admin'
import { CHANGE, makeFailed, openAdminRig, type AdminRig } from './admin.rig.js'

const COUNT = 100_000
/** A bad plan takes minutes here; a good one well under two seconds for each operation. */
const PATIENCE_MS = 10_000

/** Copies of one dead letter, every second one with an answer, and statistics of them. */
async function copyDeadLetter({ database: { sql } }: AdminRig): Promise<void> {
  await sql.rows(`
    INSERT INTO task (accepted_on, id, tenant, task_id, type, priority, topic, partition, "offset", payload, provider, model, has_files, estimated_tokens)
    SELECT accepted_on, id + g, tenant, 'copy-' || g, type, priority, topic, partition, "offset" + g, payload, provider, model, has_files, estimated_tokens
    FROM task, generate_series(1, ${COUNT}) g`)
  await sql.rows(`
    INSERT INTO task_identity SELECT tenant, task_id, id, accepted_on, sha256(payload), topic, partition, "offset" FROM task WHERE task_id LIKE 'copy-%'`)
  await sql.rows(`
    INSERT INTO run_record (accepted_on, task_number, run, outcome, attempts, error_code, error_message, error_fingerprint, settings_version,
                            result_event_id, result_event, dead_letter_event_id, dead_letter_event)
    SELECT accepted_on, task_number + g, run, outcome, attempts, error_code, error_message, 'f' || g % 50, settings_version,
           gen_random_uuid(), result_event, gen_random_uuid(), dead_letter_event FROM run_record, generate_series(1, ${COUNT}) g`)
  await sql.rows(`
    INSERT INTO answer (accepted_on, task_number, attempt_id, run, attempt, status, headers, body, duration_ms)
    SELECT accepted_on, task_number + g, gen_random_uuid(), run, attempt, status, headers, body, duration_ms
    FROM answer, generate_series(1, ${COUNT}) g WHERE g % 2 = 0`)
  await sql.rows('ANALYZE')
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const begun = performance.now()
  const result = await work
  expect(performance.now() - begun).toBeLessThan(PATIENCE_MS)
  return result
}

describe(`${RedriveOperator.name}, among ${COUNT} dead letters`, { timeout: 120_000 }, () => {
  it('chooses, starts, moves and takes back ten thousand: moving them once took 75 s, a join of two lists', async () => {
    const rig = await openAdminRig()
    await makeFailed(rig, { taskId: 'a', answer: 'x', estimatedTokens: 100 })
    await copyDeadLetter(rig)
    const selection = { kind: 'filter' as const, filter: { code: 'output_invalid' } }
    const request = { selection, limits: { callAgain: false, maxTasks: 10_000 }, ratePerSecond: 10_000, change: CHANGE }
    await expect(inTime(rig.ports.deadLetters.group({}, 10))).resolves.toHaveLength(10)
    await expect(inTime(rig.ports.deadLetters.list({}, 10))).resolves.toHaveLength(10)
    const { id } = await inTime(rig.redrives.create(request))
    await expect(inTime(rig.redrives.run(id!, () => {}))).resolves.toMatchObject({ started: 10_000 })
    const order = { selection: { kind: 'filter' as const, filter: { reason: 'redrive' }, limit: 10_000 }, change: CHANGE }
    await expect(inTime(rig.tasks.move(order, null))).resolves.toMatchObject({ tasks: { length: 10_000 }, refused: [] })
    await expect(inTime(rig.replica.ledger.claim(makeClaimRoom(100)))).resolves.toHaveLength(100)
    await expect(inTime(rig.redrives.stop(id!, CHANGE))).resolves.toBe(9_900)
    await expect(inTime(rig.redrives.status(id!))).resolves.toMatchObject({ takenBack: 9_900, unfinished: 100 })
  })
})
