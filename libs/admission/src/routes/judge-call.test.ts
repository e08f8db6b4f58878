import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '#libs/contracts'
import { TaskError, type CallEnd } from '#libs/kernel'
import { judgeCall } from './judge-call.js'

const end = (kind: CallEnd['kind'], code: ErrorCode): CallEnd => ({ kind, error: TaskError.unavailable(code, 'it failed') })

describe(judgeCall.name, () => {
  it.each<[string, CallEnd, string]>([
    ['an answer', { kind: 'answered' }, 'works'],
    ['an answer that is too large', end('answer_too_large', 'answer_too_large'), 'works'],
    ['a refusal of this one task', end('refused', 'llm_bad_request'), 'works'],
    ['a key that is refused with a new token too', end('refused', 'llm_unauthorized'), 'away'],
    ['an error of the server', end('refused', 'llm_server_error'), 'away'],
    ['nobody who listens', end('not_sent', 'llm_unreachable'), 'away'],
    ['silence', end('maybe_paid', 'llm_timeout'), 'away'],
    ['a broken connection', end('maybe_paid', 'llm_connection_lost'), 'away'],
    ['a model that is switched off', end('refused', 'llm_model_unavailable'), 'away'],
    ['a model that is not paid for', end('refused', 'llm_payment_required'), 'unpaid'],
    ['too many calls', end('refused', 'llm_rate_limited'), 'busy'],
    ['too many calls, told before the send', end('not_sent', 'llm_rate_limited'), 'busy'],
    ['a stop of the service', end('maybe_paid', 'shutdown'), 'nothing'],
    ['a lost lease', end('not_sent', 'lease_lost'), 'nothing'],
  ])('takes %s as it is', (_, call, verdict) => {
    expect(judgeCall(call, { isLastStream: false })).toBe(verdict)
  })

  it('takes too many calls for no matter of streams where there is only one', () => {
    expect(judgeCall(end('refused', 'llm_rate_limited'), { isLastStream: true })).toBe('exhausted')
    expect(judgeCall({ kind: 'answered' }, { isLastStream: true })).toBe('works')
  })
})
