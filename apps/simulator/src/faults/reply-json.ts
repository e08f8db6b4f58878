import { isRecord, type JsonRecord } from '../http/json.js'
import type { Reply } from '../http/reply.js'

/** Changes the JSON of a whole reply, or of every event of a stream; what is not JSON (`[DONE]`) stays as it is. */
export function mapReplyJson(reply: Reply, change: (json: JsonRecord) => JsonRecord): Reply {
  if (reply.kind === 'whole') return { ...reply, body: changeText(String(reply.body), change) }
  return {
    ...reply,
    events: reply.events.map((event) => event.replace(/^data: (.*)$/m, (_line, data: string) => `data: ${changeText(data, change)}`)),
  }
}

function changeText(text: string, change: (json: JsonRecord) => JsonRecord): string {
  try {
    const json: unknown = JSON.parse(text)
    return isRecord(json) ? JSON.stringify(change(json)) : text
  } catch {
    return text
  }
}
