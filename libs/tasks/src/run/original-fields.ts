import { hash } from 'node:crypto'
import type { DeadLetterEvent, OriginalReference } from '#libs/contracts'

/** A larger original stays in the ledger only: the dead letter must fit a Kafka record, and base64 makes it a third larger. */
const MAX_ORIGINAL_BYTES = 512 * 1_024

type PlaceOf<R extends OriginalReference> = R extends OriginalReference ? Omit<R, 'store' | 'sha256' | 'size'> : never

/** The original itself, or where it lies in the ledger. */
export function makeOriginalFields(
  original: Buffer,
  place: PlaceOf<OriginalReference>,
): Pick<DeadLetterEvent, 'original' | 'original_ref'> {
  if (original.length <= MAX_ORIGINAL_BYTES) return { original: original.toString('base64') }
  return { original_ref: { store: 'ledger', ...place, sha256: hash('sha256', original), size: original.length } }
}
