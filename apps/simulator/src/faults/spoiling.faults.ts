import { isRecord, type JsonRecord } from '../http/json.js'
import type { EventsReply, Reply } from '../http/reply.js'
import type { FaultOf } from './fault.schema.js'
import { mapReplyJson } from './reply-json.js'

type SpoilingFault = FaultOf<
  'no_done' | 'stream_error' | 'empty_choices' | 'wrong_content_type' | 'truncated_json' | 'finish_reason' | 'coalesce'
>

/** Replies whose content is changed; the HTTP around it stays correct. */
export function spoilReply(fault: SpoilingFault, reply: Reply): Reply {
  switch (fault.kind) {
    case 'no_done':
      return changeEvents(reply, (events) => events.slice(0, -1))
    case 'stream_error':
      return changeEvents(reply, (events) => [...events.slice(0, fault.afterEvents), makeErrorEvent(events, fault.status, fault.message)])
    case 'coalesce':
      return changeEvents(reply, (events) => gather(events, fault.events))
    case 'empty_choices':
      return mapReplyJson(reply, emptyChoices)
    case 'finish_reason':
      return mapReplyJson(reply, (json) => replaceFinishReason(json, fault.value))
    case 'wrong_content_type':
      return { ...reply, contentType: fault.contentType }
    case 'truncated_json':
      return truncate(reply, fault.atByte)
    default:
      return fault satisfies never
  }
}

function changeEvents(reply: Reply, change: (events: readonly string[]) => string[]): Reply {
  return reply.kind === 'events' ? { ...reply, events: change(reply.events) } : reply
}

/** v1 sends a frame without `choices`, v2 a named event. */
function makeErrorEvent(events: readonly string[], status: number, message: string): string {
  const name = events[0]?.startsWith('event:') === true ? 'event: error\n' : ''
  return `${name}data: ${JSON.stringify({ status_code: status, message })}\n\n`
}

function gather(events: readonly string[], size: number): string[] {
  const writes: string[] = []
  for (let start = 0; start < events.length; start += size) writes.push(events.slice(start, start + size).join(''))
  return writes
}

function emptyChoices(json: JsonRecord): JsonRecord {
  if ('choices' in json) return { ...json, choices: [] }
  return 'messages' in json ? { ...json, messages: [] } : json
}

function replaceFinishReason(json: JsonRecord, value: string): JsonRecord {
  if ('finish_reason' in json) return { ...json, finish_reason: value }
  if (!Array.isArray(json.choices)) return json
  const choices = json.choices.map((choice: unknown) =>
    isRecord(choice) && 'finish_reason' in choice ? { ...choice, finish_reason: value } : choice,
  )
  return { ...json, choices }
}

/** Cuts a whole body, or the last JSON event of a stream, in the middle; the response itself ends well. */
function truncate(reply: Reply, atByte: number | undefined): Reply {
  if (reply.kind === 'events') return truncateEvents(reply, atByte)
  const body = Buffer.from(reply.body)
  return { ...reply, body: body.subarray(0, atByte ?? Math.floor(body.length / 2)) }
}

function truncateEvents(reply: EventsReply, atByte: number | undefined): EventsReply {
  const last = reply.events.findLastIndex((event) => event.includes('{'))
  const events = reply.events.map((event, index) => {
    if (index !== last) return event
    return `${event.slice(0, atByte ?? Math.floor(event.length / 2)).trimEnd()}\n\n`
  })
  return { ...reply, events }
}
