import { gzipSync } from 'node:zlib'
import { EVENT_STREAM_TYPE, type Reply } from '../http/reply.js'
import type { WritePlan } from '../http/write.player.js'
import type { FaultOf } from './fault.schema.js'

type WritingFault = FaultOf<'split' | 'drip' | 'gzip' | 'huge_body'> | FaultOf<'stall'> | FaultOf<'drop'>

/** A whole response down to its writes. */
export interface ResponsePlan extends WritePlan {
  readonly status: number
  readonly contentType: string
  /** undefined = chunked. */
  readonly length: number | undefined
  /** Further headers, flat. */
  readonly headers: readonly string[]
}

export function planResponse(reply: Reply): ResponsePlan {
  if (reply.kind === 'events') {
    const contentType = reply.contentType ?? EVENT_STREAM_TYPE
    return { status: 200, contentType, length: undefined, headers: [], writes: reply.events, gapMs: reply.intervalMs, ending: 'end' }
  }
  const body = Buffer.from(reply.body)
  const { status, contentType, headers = [] } = reply
  return { status, contentType, length: body.length, headers, writes: [body], gapMs: 0, ending: 'end' }
}

/** The same answer by other writes. */
export function planFaultyResponse(fault: WritingFault, reply: Reply): ResponsePlan {
  const plan = planResponse(reply)
  const body = Buffer.concat(plan.writes.map((write) => Buffer.from(write)))
  switch (fault.kind) {
    case 'split':
      return { ...plan, writes: fault.at === undefined ? cutEvery(body, fault.bytes) : cutAt(body, fault.at), gapMs: fault.gapMs }
    case 'drip':
      return { ...plan, writes: cutEvery(body, fault.bytes), gapMs: fault.everyMs }
    case 'stall': {
      const middle = Math.floor(body.length / 2)
      return { ...plan, writes: cutAt(body, [middle]), gapMs: 0, pause: { index: 1, ms: fault.ms } }
    }
    case 'drop': {
      const sent = body.subarray(0, fault.atByte ?? Math.floor(body.length / 2))
      return { ...plan, writes: [sent], gapMs: 0, ending: 'reset' }
    }
    case 'gzip': {
      const packed = gzipSync(fault.answerBytes > body.length ? fillJson(body, fault.answerBytes) : body)
      return { ...plan, writes: [packed], length: packed.length, headers: ['Content-Encoding', 'gzip'], gapMs: 0 }
    }
    case 'huge_body':
      return planHugeBody(plan, body, fault.bytes)
    default:
      return fault satisfies never
  }
}

function cutEvery(body: Buffer, bytes: number): Buffer[] {
  const pieces: Buffer[] = []
  for (let start = 0; start < body.length; start += bytes) pieces.push(body.subarray(start, start + bytes))
  return pieces
}

function cutAt(body: Buffer, offsets: readonly number[]): Buffer[] {
  const inside = offsets.filter((offset) => offset > 0 && offset < body.length).toSorted((a, b) => a - b)
  return [...inside, body.length].map((end, index) => body.subarray(index === 0 ? 0 : inside[index - 1], end))
}

const BLOCK = Buffer.alloc(1024 * 1024, ' ')

/** JSON stays JSON, and a stream stays a stream, when spaces (or line ends) follow. */
function fillJson(body: Buffer, bytes: number): Buffer {
  return Buffer.concat([body, Buffer.alloc(bytes - body.length, ' ')])
}

/** The filling comes first, before the JSON: a reader that stops at the end of the value would not notice it behind. */
function planHugeBody(plan: ResponsePlan, body: Buffer, bytes: number): ResponsePlan {
  const filling = Math.max(0, bytes - body.length)
  const blocks = Array.from({ length: Math.floor(filling / BLOCK.length) }, () => BLOCK)
  const rest = BLOCK.subarray(0, filling % BLOCK.length)
  // A comment line, which readers of event streams skip.
  const writes = plan.contentType === EVENT_STREAM_TYPE ? [':', ...blocks, rest, '\n\n', body] : [...blocks, rest, body]
  return {
    ...plan,
    writes: writes.filter((write) => write.length > 0),
    length: plan.length === undefined ? undefined : filling + body.length,
    gapMs: 0,
  }
}
