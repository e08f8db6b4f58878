import { TaskError, type FileRequest } from '#libs/kernel'
import { findKeyProblem, isBelowPrefix } from '../object-key.js'
import type { StorageSettings } from '../storage.settings.js'

/**
 * May a task read this object? Answers the bucket to read it from; throws `file_forbidden`. Nothing that a message says is trusted: the
 * answers of all tenants lie in the same store.
 */
export function authorizeRead(
  { bucket: named, key, allowedPrefixes }: FileRequest,
  settings: Pick<StorageSettings, 'bucket' | 'inputBuckets' | 'answersPrefix'>,
): string {
  const bucket = named ?? settings.bucket
  if (!settings.inputBuckets.includes(bucket)) throw forbid('the bucket is not one of S3_INPUT_BUCKETS', bucket, key)
  const problem = findKeyProblem(key)
  if (problem !== undefined) throw forbid(`the key ${problem}`, bucket, key)
  if (isAnswer(bucket, key, settings)) throw forbid('answers cannot be read by tasks', bucket, key)
  if (!allowedPrefixes.some((prefix) => isBelowPrefix(key, prefix)))
    throw forbid('the key is outside of the prefixes of the tenant', bucket, key)
  return bucket
}

/** In any case of letters: a store on a file system may not tell them apart. */
function isAnswer(bucket: string, key: string, settings: Pick<StorageSettings, 'bucket' | 'answersPrefix'>): boolean {
  return bucket === settings.bucket && `${key.toLowerCase()}/`.startsWith(settings.answersPrefix.toLowerCase())
}

function forbid(why: string, bucket: string, key: string): TaskError {
  return TaskError.invalid('file_forbidden', `a file cannot be read: ${why}`, { bucket, key })
}
