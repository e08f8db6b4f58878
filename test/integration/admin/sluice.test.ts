import { describe, expect, it } from 'vitest'
import { makeProgram } from '../../../apps/cli/src/program.js'
import { TaskError } from '#libs/kernel'
import { makeRejection } from '../../../libs/tasks/src/intake/rejection.js'
import { makeDelivery } from '../../factories/delivery.factory.js'
import { makeNewTask } from '../../factories/new-task.factory.js'
import { createEmptyDatabase } from '../db/test-database.js'
import { claimOne } from '../db/test-replica.js'
import { auditOf, makeFailed, openAdminRig } from './admin.rig.js'
import { runSluice } from './run-sluice.js'

const WHY = ['--actor', 'ada', '--reason', 'a test']

describe(`${makeProgram.name}: tasks`, () => {
  it('lists what waits, and why', async () => {
    const { database, replica } = await openAdminRig()
    await replica.ledger.accept(makeNewTask({ taskId: 'a' }))
    await replica.ledger.hold(await claimOne(replica), 'maybe_paid')
    await replica.ledger.accept(makeNewTask({ taskId: 'b' }))
    const { out, exitCode } = await runSluice(database, 'tasks', 'list')
    expect(out).toMatch(/^TASK +TENANT .*\na +default +prompt +held +maybe_paid .*\nb +default +prompt +pending +a free stream/)
    expect(exitCode).toBeUndefined()
    const json = await runSluice(database, 'tasks', 'list', '--state', 'held', '-o', 'json')
    expect(JSON.parse(json.out)).toMatchObject([{ taskId: 'a', state: 'held', reason: 'maybe_paid', runAt: expect.stringMatching(/Z$/) }])
  })

  it('cancels, moves and releases, and says with its exit code what it refused', async () => {
    const rig = await openAdminRig()
    const { database, replica } = rig
    await replica.ledger.accept(makeNewTask({ taskId: 'held' }))
    await replica.ledger.hold(await claimOne(replica), 'maybe_paid')
    await replica.ledger.accept(makeNewTask({ taskId: 'waiting' }))
    await expect(runSluice(database, 'tasks', 'move', 'waiting', 'held', '--to', '2100-01-01T00:00:00Z', ...WHY)).resolves.toMatchObject({
      out: expect.stringMatching(/^moved: 1\n {2}waiting of default\nrefused held of default: it is held/),
      exitCode: 5,
    })
    await expect(runSluice(database, 'tasks', 'release', '--waits-for', 'maybe_paid', ...WHY)).resolves.toMatchObject({
      out: 'released: 1\n  held of default\n',
      exitCode: undefined,
    })
    await expect(runSluice(database, 'tasks', 'cancel', '--type', 'prompt', '--dry-run')).resolves.toMatchObject({
      out: 'would be cancelled: 2\n  held of default\n  waiting of default\n',
    })
    await expect(runSluice(database, 'tasks', 'cancel', '--type', 'prompt', '--limit', '1', ...WHY)).resolves.toMatchObject({
      out: expect.stringContaining('cancelled: 1 of 2 that match'),
    })
    await expect(runSluice(database, 'tasks', 'cancel', 'nobody', ...WHY)).resolves.toMatchObject({
      out: 'cancelled: 0\nno task nobody of tenant default\n',
      exitCode: 4,
    })
    await expect(auditOf(rig)).resolves.toMatchObject([
      { actor: 'ada', reason: 'a test', action: 'task.move' },
      { action: 'task.release' },
      { action: 'task.cancel' },
    ])
  })

  it('does nothing without a reason, without a choice or with two of them', async () => {
    const { database } = await openAdminRig()
    await expect(runSluice(database, 'tasks', 'cancel', 'a')).rejects.toThrow('--reason is missing')
    await expect(runSluice(database, 'tasks', 'cancel', ...WHY)).rejects.toThrow('name tasks, or say which')
    await expect(runSluice(database, 'tasks', 'cancel', 'a', '--type', 'prompt', ...WHY)).rejects.toThrow('not both')
    await expect(runSluice(database, 'dead-letters', 'redrive', 'a', '--code', 'x', ...WHY)).rejects.toThrow('not both')
    await expect(runSluice(database, 'dead-letters', 'stop', '1')).rejects.toThrow('--reason is missing')
    await expect(runSluice(database, 'dead-letters', 'list', '--rejected', '--code', 'x')).rejects.toThrow('--rejected')
  })

  it('says that the database is behind, before it changes anything', async () => {
    await expect(runSluice(await createEmptyDatabase(), 'tasks', 'list')).rejects.toThrow('run sluice migrate first')
  })
})

describe(`${makeProgram.name}: dead letters`, () => {
  it('groups them by fingerprint, and lists them one by one', async () => {
    const rig = await openAdminRig()
    await makeFailed(rig, { taskId: 'a', answer: 'x', error: TaskError.invalid('output_invalid', 'item 1 is wrong') })
    await makeFailed(rig, { taskId: 'b', tenant: 'x', error: TaskError.invalid('output_invalid', 'item 22 is wrong') })
    await makeFailed(rig, { taskId: 'c', error: TaskError.invalid('llm_bad_request', 'refused\n\u001b[31m') })
    const { out } = await runSluice(rig.database, 'dead-letters', 'list', '-o', 'json')
    expect(JSON.parse(out)).toMatchObject([
      {
        code: 'output_invalid',
        count: 2,
        answered: 1,
        tenants: ['default', 'x'],
        types: ['prompt'],
        message: 'item 22 is wrong',
        taskId: 'b',
      },
      { code: 'llm_bad_request', count: 1, answered: 0 },
    ])
    const table = await runSluice(rig.database, 'dead-letters', 'list')
    expect(table.out.split('\n')).toHaveLength(4)
    expect(table.out).not.toContain('\u001b')
    const each = await runSluice(rig.database, 'dead-letters', 'list', '--each', '--code', 'output_invalid')
    expect(each.out).toMatch(/\nb +x +prompt +1 .*\na +default +prompt +1 /)
  })

  it('shows one: error, attempts, answers, and the bytes of its record', async () => {
    const rig = await openAdminRig()
    const payload = Buffer.from('{"task_id":"a","prompt":"ж"}')
    await makeFailed(rig, {
      taskId: 'a',
      payload,
      error: new TaskError('internal', 'broken', { retryable: false, cause: new Error('why') }),
    })
    const { out } = await runSluice(rig.database, 'dead-letters', 'show', 'a')
    expect(out).toContain('internal: broken\n  because of Error: why\n')
    expect(out).toContain('run 1 attempt 1: refused (status 500, llm_server_error)')
    expect(out).toContain('\n  oops\n')
    expect(out).toContain('no answer is stored')
    await expect(runSluice(rig.database, 'dead-letters', 'show', 'a', '--original')).resolves.toMatchObject({ out: payload.toString() })
    await makeFailed(rig, { taskId: 'b', answer: 'x' })
    await expect(runSluice(rig.database, 'dead-letters', 'show', 'b')).resolves.toMatchObject({
      out: expect.stringContaining('answer of run 1 attempt 1: status 200'),
    })
    const json = await runSluice(rig.database, 'dead-letters', 'show', 'b', '-o', 'json')
    expect(JSON.parse(json.out)).toMatchObject({ now: 'failed', letter: { kind: 'failed', task_id: 'b' }, answers: [{ attempt: 1 }] })
    await expect(runSluice(rig.database, 'dead-letters', 'show', 'nobody')).resolves.toMatchObject({ exitCode: 4 })
  })

  it('lists and shows a record that never became a task, and says why it is not redriven', async () => {
    const { database, replica } = await openAdminRig()
    const delivery = makeDelivery({ value: Buffer.from('{not json') })
    await replica.ledger.reject([makeRejection(delivery, { error: TaskError.invalid('invalid_json', 'the value is not JSON') })])
    const { topic, partition, offset } = delivery
    const place = `${topic}/${partition}/${offset}`
    await expect(runSluice(database, 'dead-letters', 'list', '--rejected')).resolves.toMatchObject({
      out: expect.stringContaining(place),
    })
    await expect(runSluice(database, 'dead-letters', 'show', place)).resolves.toMatchObject({
      out: expect.stringMatching(/^a record that is no task, [^]*\ninvalid_json: the value is not JSON\n[^]*never became a task/),
    })
    await expect(runSluice(database, 'dead-letters', 'show', place, '--original')).resolves.toMatchObject({ out: '{not json' })
    await expect(runSluice(database, 'dead-letters', 'redrive', place, ...WHY)).rejects.toThrow('never became a task')
    await expect(runSluice(database, 'dead-letters', 'show', `${topic}/${partition}/999999`)).resolves.toMatchObject({ exitCode: 4 })
  })

  it('redrives, tells how that stands, and stops it', async () => {
    const rig = await openAdminRig()
    const { database } = rig
    await makeFailed(rig, { taskId: 'a', answer: 'x' })
    await makeFailed(rig, { taskId: 'b', estimatedTokens: 500 })
    await expect(runSluice(database, 'dead-letters', 'redrive', '--code', 'output_invalid', '--dry-run')).resolves.toMatchObject({
      out: 'would be redriven: 2 tasks, 1 from their stored answers, 1 by a call for about 500 tokens\n',
      exitCode: undefined,
    })
    await expect(rig.database.sql.value('SELECT count(*) FROM task_queue')).resolves.toBe(0)
    const redriven = await runSluice(database, 'dead-letters', 'redrive', 'a', 'b', 'c', '--rate', '0.01', ...WHY)
    expect(redriven).toMatchObject({ out: expect.stringMatching(/^redrive 1 started: 2 unfinished\nby ada at /), exitCode: 4 })
    expect(redriven.err).toContain('no dead letter c of tenant default')
    await expect(runSluice(database, 'dead-letters', 'list')).resolves.toMatchObject({ out: expect.not.stringContaining('output_invalid') })
    await expect(runSluice(database, 'dead-letters', 'show', 'a')).resolves.toMatchObject({
      out: expect.stringContaining('redriven since: unfinished'),
    })
    const again = await runSluice(database, 'dead-letters', 'redrive', 'a', ...WHY, '-o', 'json')
    expect(again).toMatchObject({ exitCode: 5, err: expect.stringContaining('its run has not ended: it is pending') })
    expect(JSON.parse(again.out)).toMatchObject({ id: null, refused: [{ taskId: 'a' }] })
    await expect(runSluice(database, 'dead-letters', 'stop', '1', ...WHY)).resolves.toMatchObject({
      out: expect.stringContaining('2 taken back'),
    })
    await expect(runSluice(database, 'dead-letters', 'status')).resolves.toMatchObject({ out: expect.stringMatching(/\n1 +stopped /) })
    await expect(runSluice(database, 'dead-letters', 'status', '1')).resolves.toMatchObject({
      out: expect.stringMatching(/^redrive 1 stopped: 2 taken back\n/),
    })
    await expect(runSluice(database, 'dead-letters', 'resume', '1')).resolves.toMatchObject({ exitCode: 5 })
    await expect(runSluice(database, 'dead-letters', 'resume', '7')).resolves.toMatchObject({ exitCode: 4 })
    await expect(runSluice(database, 'dead-letters', 'stop', '7', ...WHY)).resolves.toMatchObject({ exitCode: 4 })
  })
})
