import { TaskError } from '#libs/kernel'
import { describe, expect, it } from 'vitest'
import { isDatabaseAway, isLockTimeout, toConnectionError, toLedgerError } from './database.error.js'

function makeError(message: string, code?: string): Error {
  return Object.assign(new Error(message), code !== undefined && { code })
}

describe(toLedgerError.name, () => {
  it.each([
    ['08006', 'the connection broke'],
    ['53100', 'the disk is full'],
    ['53300', 'too many connections'],
    ['57P01', 'the server shuts down'],
    ['57014', 'the statement took too long'],
    ['55P03', 'a lock was not free in time'],
    ['40001', 'serialization'],
    ['40P01', 'a deadlock'],
    ['25006', 'the server has become a replica'],
    ['42501', 'a right is missing'],
    ['42P01', 'a table is missing'],
    ['42703', 'a column is missing'],
    ['0A000', 'cached plan must not change result type'],
    ['XX001', 'data corrupted'],
    ['58030', 'an I/O error'],
    ['ECONNREFUSED', 'connect ECONNREFUSED'],
    ['EPIPE', 'write EPIPE'],
    ['EAI_AGAIN', 'getaddrinfo EAI_AGAIN'],
  ])('says that the ledger is unavailable at %s (%s)', (code, message) => {
    const cause = makeError(message, code)
    const error = toLedgerError(cause)
    expect(error).toBeInstanceOf(TaskError)
    expect(error).toMatchObject({ code: 'ledger_unavailable', retryable: true, cause })
  })

  it.each([
    'Connection terminated unexpectedly',
    'Connection terminated due to connection timeout',
    'timeout exceeded when trying to connect',
    'Query read timeout',
    'Client has encountered a connection error and is not queryable',
    'Cannot use a pool after calling end on the pool',
  ])('says that the ledger is unavailable when pg says "%s"', (message) => {
    expect(toLedgerError(makeError(message))).toMatchObject({ code: 'ledger_unavailable', retryable: true })
  })

  it.each([
    ['22021', 'invalid byte sequence for encoding "UTF8": 0x00'],
    ['22P05', 'unsupported Unicode escape sequence'],
    ['23505', 'duplicate key value violates unique constraint'],
    ['54000', 'index row size exceeds maximum'],
  ])('lets %s pass, which is about the values (%s)', (code, message) => {
    const error = makeError(message, code)
    expect(toLedgerError(error)).toBe(error)
  })

  it('does not blame a task for a partition that is missing', () => {
    const error = makeError('no partition of relation "task" found for row', '23514')
    expect(toLedgerError(error)).toMatchObject({ code: 'ledger_unavailable' })
  })

  it.each([[new RangeError('The value of "value" is out of range')], ['a string'], [undefined]])(
    'lets %s pass: no error of PostgreSQL',
    (thrown) => {
      expect(toLedgerError(thrown)).toBe(thrown)
    },
  )
})

describe(isDatabaseAway.name, () => {
  it.each([
    ['08006', 'the connection broke'],
    ['57P01', 'the server shuts down'],
    ['57P03', 'the server starts'],
    ['53300', 'too many connections'],
    ['ECONNREFUSED', 'connect ECONNREFUSED'],
    [undefined, 'Query read timeout'],
    [undefined, 'Connection terminated unexpectedly'],
    [undefined, 'timeout exceeded when trying to connect'],
  ])('is true at %s (%s)', (code, message) => {
    expect(isDatabaseAway(toLedgerError(makeError(message, code)))).toBe(true)
  })

  it.each([
    ['57014', 'the statement took too long'],
    ['55P03', 'a lock was not free in time'],
    ['40P01', 'a deadlock'],
    ['42501', 'a right is missing'],
    ['53100', 'the disk is full'],
    ['25006', 'the server has become a replica'],
    ['23505', 'duplicate key value violates unique constraint'],
    [undefined, 'Cannot use a pool after calling end on the pool'],
    [undefined, 'a defect'],
  ])('is false at %s (%s): PostgreSQL has answered, or was not asked', (code, message) => {
    expect(isDatabaseAway(toLedgerError(makeError(message, code)))).toBe(false)
  })

  it('is false at what is no error', () => {
    expect(isDatabaseAway('x')).toBe(false)
  })
})

describe(toConnectionError.name, () => {
  it.each([
    [makeError('connect EMFILE 127.0.0.1:5432', 'EMFILE'), 'PostgreSQL cannot be reached (EMFILE)'],
    [makeError('certificate has expired', 'CERT_HAS_EXPIRED'), 'PostgreSQL cannot be reached (CERT_HAS_EXPIRED)'],
    [makeError('password authentication failed', '28P01'), 'PostgreSQL cannot do this now (28P01)'],
    ['x', 'PostgreSQL cannot be reached'],
  ])('holds nothing against a statement that was not sent: %s', (error, message) => {
    expect(toConnectionError(error)).toMatchObject({ code: 'ledger_unavailable', retryable: true, message, cause: error })
  })
})

describe(isLockTimeout.name, () => {
  it.each([
    ['PostgreSQL said so', makeError('canceling statement due to lock timeout', '55P03'), true],
    ['it has been named for the rest of Sluice', toLedgerError(makeError('canceling statement due to lock timeout', '55P03')), true],
    ['it was another error', toLedgerError(makeError('a deadlock', '40P01')), false],
    ['it was no error', 'x', false],
  ])('tells whether a lock was not free in time when %s', (_, error, expected) => {
    expect(isLockTimeout(error)).toBe(expected)
  })
})
