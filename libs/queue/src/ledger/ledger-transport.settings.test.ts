import { describe, expect, it } from 'vitest'
import { SettingsError } from '#libs/config'
import { ledgerTransportSettings } from './ledger-transport.settings.js'

function problemsOf(env: Record<string, string>): readonly { readonly setting: string; readonly problem: string }[] {
  try {
    ledgerTransportSettings.parse(env)
    return []
  } catch (error) {
    return (error as SettingsError).problems
  }
}

describe('ledgerTransportSettings', () => {
  it('have defaults that leave a call its time at a stop', () => {
    expect(ledgerTransportSettings.parse({})).toEqual({
      claimBatch: 256,
      spareTasks: 512,
      inHandBytes: 268_435_456,
      pollIntervalMs: 500,
      graceMs: 135_000,
    })
  })

  it('take what the environment says', () => {
    const env = {
      LEDGER_CLAIM_BATCH: '1',
      LEDGER_SPARE_TASKS: '2',
      LEDGER_IN_HAND_BYTES: '4',
      LEDGER_POLL_INTERVAL_MS: '30',
      SHUTDOWN_GRACE_MS: '130000',
    }
    expect(ledgerTransportSettings.parse(env)).toEqual({
      claimBatch: 1,
      spareTasks: 2,
      inHandBytes: 4,
      pollIntervalMs: 30,
      graceMs: 130_000,
    })
  })

  it('refuse a grace period in which a stop would break off calls', () => {
    const problem = 'must be at least LLM_CALL_TIMEOUT_MS + 10000, so that a stop breaks off no call (got 129999 < 130000)'
    expect(problemsOf({ SHUTDOWN_GRACE_MS: '129999' })).toEqual([{ setting: 'SHUTDOWN_GRACE_MS', problem }])
    expect(problemsOf({ SHUTDOWN_GRACE_MS: '15000', LLM_CALL_TIMEOUT_MS: '5000' })).toEqual([])
    expect(problemsOf({ SHUTDOWN_GRACE_MS: '14999', LLM_CALL_TIMEOUT_MS: '5000' })).toHaveLength(1)
  })

  it.each(['LEDGER_CLAIM_BATCH', 'LEDGER_SPARE_TASKS', 'LEDGER_POLL_INTERVAL_MS', 'LLM_CALL_TIMEOUT_MS'])('refuse 0 for %s', (name) => {
    expect(problemsOf({ [name]: '0' }).map(({ setting }) => setting)).toEqual([name])
  })
})
