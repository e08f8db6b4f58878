import { describe, expect, it } from 'vitest'
import { makeResultEventId } from '#libs/contracts'
import { makeClaimedTask } from '../../../../test/factories/claimed-task.factory.js'
import { makeCancelledEnd } from './cancelled-end.js'

const NOW = Date.UTC(2026, 0, 2, 3, 4, 10)

describe(makeCancelledEnd.name, () => {
  it('tells what is known of the run, and gives the metadata back', () => {
    const payload = JSON.stringify({ task_id: 'a', prompt: 'x', metadata: { order: 7 } })
    const task = makeClaimedTask({ taskId: 'a', run: 2, attempts: 1, payload, promptVersion: 'summary@2', correlationId: 'c' })
    const end = makeCancelledEnd(task, NOW)
    expect(end.resultEventId).toBe(makeResultEventId('default', 'a', 2))
    expect(JSON.parse(end.makeResultEvent(3).toString())).toEqual({
      event_id: end.resultEventId,
      tenant: 'default',
      task_id: 'a',
      run: 2,
      type: 'prompt',
      outcome: 'cancelled',
      attempts: 1,
      error: { code: 'cancelled', message: 'an operator cancelled the task', retryable: false },
      versions: { settings: 1, prompt: 'summary@2' },
      timings: { accepted_at: '2026-01-02T03:04:00.000Z', finished_at: '2026-01-02T03:04:10.000Z', waiting_ms: 10_000, total_ms: 10_000 },
      correlation_id: 'c',
      metadata: { order: 7 },
      key_sequence: 3,
    })
  })

  it('leaves metadata out where the stored message cannot be read any more', () => {
    const end = makeCancelledEnd(makeClaimedTask({ payload: '{"task_id":"a"}' }), NOW)
    expect(JSON.parse(end.makeResultEvent(undefined).toString())).not.toHaveProperty('metadata')
  })
})
