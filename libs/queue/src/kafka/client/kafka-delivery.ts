import type { UnreadRecords } from '#libs/kernel'
import type { FetchedRecord } from '../kafka-client.port.js'

const EMPTY = Buffer.alloc(0)
const NO_HEADERS: ReadonlyMap<string, Buffer> = new Map()
/** What the objects around a record take, roughly: an empty record is not free. */
const OVERHEAD_BYTES = 64

export type RawHeaders = readonly (readonly [Buffer | null, Buffer | null])[]

/** A record of a fetch answer. Its buffers are views into that answer; its headers become a map only when somebody asks. */
export class KafkaDelivery implements FetchedRecord {
  readonly sizeBytes: number
  private headerMap: ReadonlyMap<string, Buffer> | undefined

  constructor(
    readonly topic: string,
    readonly partition: number,
    readonly offset: bigint,
    readonly key: Buffer | null,
    readonly value: Buffer | null,
    readonly timestampMs: number,
    private readonly rawHeaders: RawHeaders,
    readonly unread?: UnreadRecords,
  ) {
    let sizeBytes = OVERHEAD_BYTES + (key === null ? 0 : key.length) + (value === null ? 0 : value.length)
    for (const [name, content] of rawHeaders) sizeBytes += (name?.length ?? 0) + (content?.length ?? 0)
    this.sizeBytes = sizeBytes
  }

  get headers(): ReadonlyMap<string, Buffer> {
    return (this.headerMap ??= makeHeaderMap(this.rawHeaders))
  }
}

function makeHeaderMap(rawHeaders: RawHeaders): ReadonlyMap<string, Buffer> {
  if (rawHeaders.length === 0) return NO_HEADERS
  const map = new Map<string, Buffer>()
  for (const [name, content] of rawHeaders) map.set((name ?? EMPTY).toString('utf8').toLowerCase(), content ?? EMPTY)
  return map
}
