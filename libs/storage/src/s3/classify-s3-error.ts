import { TaskError } from '#libs/kernel'
import { S3ResponseError } from './s3-response.error.js'
import { S3TimeoutError } from './s3-timeout.error.js'

export type S3Operation = 'stat' | 'read' | 'write' | 'remove' | 'check_bucket' | 'make_bucket'

/** What a call to the store is about: for messages and metrics. */
export interface S3Target {
  readonly operation: S3Operation
  readonly bucket: string
  readonly key?: string
}

/** What a policy must allow, as S3 names it. */
const ACTIONS: Readonly<Record<S3Operation, string>> = {
  stat: 's3:GetObject',
  read: 's3:GetObject',
  write: 's3:PutObject and s3:GetObject',
  remove: 's3:GetObject and s3:DeleteObject',
  check_bucket: 's3:ListBucket',
  make_bucket: 's3:CreateBucket',
}

/** Only a person can change it: quick retries are useless, later ones are not. */
const ASK_A_PERSON_MS = 60_000
const FULL_MS = 30_000

interface Kind {
  readonly code: 'storage_unavailable' | 'storage_forbidden' | 'file_not_found'
  readonly says: string
  /** undefined: as the server asked, or at once. null: final. */
  readonly retryAfterMs?: number | null
}

const NOT_FOUND: Kind = { code: 'file_not_found', says: 'does not exist', retryAfterMs: null }
const BAD_KEY: Kind = { code: 'file_not_found', says: 'object storage does not accept this key', retryAfterMs: null }
const FULL: Kind = { code: 'storage_unavailable', says: 'object storage is full: add space', retryAfterMs: FULL_MS }
const BUSY: Kind = { code: 'storage_unavailable', says: 'object storage asks for fewer requests' }
const NO_BUCKET: Kind = {
  code: 'storage_unavailable',
  says: 'the bucket does not exist: create it',
  retryAfterMs: ASK_A_PERSON_MS,
}
const FORBIDDEN: Kind = {
  code: 'storage_forbidden',
  says: 'object storage denies access',
  retryAfterMs: ASK_A_PERSON_MS,
}
const BAD_KEYS: Kind = {
  code: 'storage_forbidden',
  says: 'object storage does not accept the credentials: check S3_ACCESS_KEY and S3_SECRET_KEY',
  retryAfterMs: ASK_A_PERSON_MS,
}
const CLOCK: Kind = {
  code: 'storage_unavailable',
  says: "this machine's clock and the one of object storage differ by more than 15 minutes: set the clock",
  retryAfterMs: ASK_A_PERSON_MS,
}
const REFUSED: Kind = { code: 'storage_unavailable', says: 'object storage refused the request', retryAfterMs: ASK_A_PERSON_MS }
const PASSED_BY: Kind = {
  code: 'storage_unavailable',
  says: 'something before object storage answers 404: check S3_ENDPOINT and the proxies on the way',
  retryAfterMs: ASK_A_PERSON_MS,
}
const FAILED: Kind = { code: 'storage_unavailable', says: 'object storage failed' }

const BY_CODE: Readonly<Record<string, Kind>> = {
  NoSuchKey: NOT_FOUND,
  NoSuchVersion: NOT_FOUND,
  NotFound: NOT_FOUND,
  KeyTooLongError: BAD_KEY,
  XMinioInvalidObjectName: BAD_KEY,
  XMinioInvalidResourceName: BAD_KEY,
  NoSuchBucket: NO_BUCKET,
  AccessDenied: FORBIDDEN,
  AllAccessDisabled: FORBIDDEN,
  InvalidAccessKeyId: BAD_KEYS,
  SignatureDoesNotMatch: BAD_KEYS,
  ExpiredToken: BAD_KEYS,
  InvalidToken: BAD_KEYS,
  RequestTimeTooSkewed: CLOCK,
  SlowDown: BUSY,
  XMinioStorageFull: FULL,
  XMinioStorageQuotaExceeded: FULL,
  XMinioAdminBucketQuotaExceeded: FULL,
}
const BY_STATUS: Readonly<Record<number, Kind>> = { 403: FORBIDDEN, 404: PASSED_BY, 429: BUSY, 503: BUSY, 507: FULL }

/** The one table of what the store's errors mean. TaskErrors pass. Never throws. */
export function classifyS3Error(thrown: unknown, target: S3Target): TaskError {
  if (thrown instanceof TaskError) return thrown
  if (thrown instanceof S3ResponseError) return makeResponseError(thrown, target)
  const says = thrown instanceof S3TimeoutError ? 'object storage does not answer' : 'object storage cannot be reached'
  return new TaskError('storage_unavailable', describe(says, target), { retryable: true, cause: thrown, details: { ...target } })
}

/** A gateway says that there is nothing behind it, or the server that it is not ready. */
const AWAY_STATUSES: ReadonlySet<number> = new Set([502, 503, 504])

/**
 * The store cannot be reached, does not answer or is not ready. Any other error is its answer to one request, `SlowDown` included: fewer
 * requests help there, and the retries wait for as long as it says. So is a request that took too long though bytes were passing.
 */
export function isStoreAway(error: unknown): boolean {
  if (!(error instanceof TaskError) || error.code !== 'storage_unavailable') return false
  const { cause } = error
  if (cause instanceof S3ResponseError) return AWAY_STATUSES.has(cause.status) && BY_CODE[cause.code] === undefined
  if (cause instanceof S3TimeoutError) return cause.kind === 'idle'
  return cause instanceof Error && 'code' in cause
}

/** Other keys may help: the server does not accept these, or does not say why it refuses, as in answers to HEAD. */
export function isCredentialsError(thrown: unknown): boolean {
  return thrown instanceof S3ResponseError && (BY_CODE[thrown.code] === BAD_KEYS || thrown.code === 'HTTP403')
}

function makeResponseError(error: S3ResponseError, target: S3Target): TaskError {
  const known = BY_CODE[error.code] ?? BY_STATUS[error.status] ?? (error.status >= 500 ? FAILED : REFUSED)
  // What is to be written has been paid for: no answer of the store makes it worthless.
  const kind = target.operation === 'write' && known.retryAfterMs === null ? { ...REFUSED, says: known.says } : known
  const retryAfterMs = kind.retryAfterMs === undefined ? error.retryAfterMs : kind.retryAfterMs
  const says = kind === FORBIDDEN ? `${kind.says}: allow ${ACTIONS[target.operation]}` : kind.says
  return new TaskError(kind.code, describe(says, target), {
    retryable: retryAfterMs !== null,
    ...(typeof retryAfterMs === 'number' && { retryAfterMs }),
    cause: error,
    details: { ...target, s3_code: error.code, status: error.status, request_id: error.requestId },
  })
}

function describe(says: string, { operation, bucket, key }: S3Target): string {
  const place = key === undefined ? `bucket ${bucket}` : `${bucket}/${key}`
  return `${place}: ${says} (${operation})`
}
