import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { z } from 'zod'
import type { Environment } from '#libs/config'
import { originalReferenceSchema, type OriginalReference } from '#libs/contracts'
import { dbSettings, TaskReader } from '#libs/db'
import { EXIT_NOT_FOUND } from '../exit-codes.js'

/** As much of a dead letter as says where its original is. */
const deadLetterSchema = z.object({ original: z.base64().optional(), original_ref: originalReferenceSchema.optional() })

interface Originated {
  readonly original?: string | undefined
  readonly original_ref?: OriginalReference | undefined
}

/** Prints the bytes and nothing else. The dead letter comes from a file, or from stdin. */
export async function runDeadLetterOriginal(file: string | undefined, env: Environment): Promise<void> {
  await printOriginal(parseDeadLetter(file === undefined ? await text(process.stdin) : await readFile(file, 'utf8')), env)
}

/** Prints the value of the record that a dead letter is about. */
export async function printOriginal(letter: Originated, env: Environment): Promise<void> {
  const original = await readOriginal(letter, env)
  if (original === null) {
    process.stderr.write('the original is not there: its record had no value, or HISTORY_RETENTION_DAYS are over\n')
    process.exitCode = EXIT_NOT_FOUND
    return
  }
  process.stdout.write(original)
}

async function readOriginal({ original, original_ref: reference }: Originated, env: Environment): Promise<Buffer | null> {
  if (original !== undefined) return Buffer.from(original, 'base64')
  return reference === undefined ? null : readReferred(reference, env)
}

function parseDeadLetter(json: string): Originated {
  const parsed = deadLetterSchema.safeParse(JSON.parse(json))
  if (parsed.success) return parsed.data
  throw new Error(`this is no dead letter: ${z.prettifyError(parsed.error)}`)
}

async function readReferred(reference: OriginalReference, env: Environment): Promise<Buffer | null> {
  await using reader = await TaskReader.connect(dbSettings.parse(env).directUrl)
  const original = await reader.readOriginal(reference)
  if (original === null || createHash('sha256').update(original).digest('hex') === reference.sha256) return original
  throw new Error('the ledger has other bytes than the dead letter says: is DATABASE_URL the database of the service that wrote it?')
}
