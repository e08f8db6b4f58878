/**
 * What became of a call:
 * - `open`: still in work;
 * - `answered`: a whole answer was handed to the socket and the client was there to the end;
 * - `refused`: an error response, or an error inside a 200, was handed over whole;
 * - `broken`: a fault rule cut, stalled or spoiled the answer;
 * - `client_gone`: the client disconnected before the end of the response.
 */
export type CallOutcome = 'open' | 'answered' | 'refused' | 'broken' | 'client_gone'

/** One call on the bill. Fields are small integers and shared strings where possible: there are hundreds of thousands of these. */
export class CallRecord {
  /** Milliseconds from arrival to the end; -1 while open. */
  durationMs = -1
  credential = ''
  /** The client's X-Request-ID, empty when it sent none. */
  attemptId = ''
  tasks: readonly string[] = NO_TASKS
  model = ''
  /** 0 until headers are sent. */
  status = 0
  outcome: CallOutcome = 'open'
  /** The model did its work: the answer exists and is charged, whether or not the client received it. */
  paid = false
  promptTokens = 0
  completionTokens = 0
  stream = false
  /** Id of the fault rule that was applied, empty for none. */
  fault = ''

  constructor(
    readonly sequence: number,
    /** Milliseconds since the bill was opened. */
    readonly atMs: number,
    readonly method: string,
    readonly path: string,
  ) {}
}

const NO_TASKS: readonly string[] = []

/** The public form of a record: one line of `GET /__sim/bill`. */
export function describeCall(record: CallRecord, openedAtMs: number): Record<string, unknown> {
  return {
    sequence: record.sequence,
    time: new Date(openedAtMs + record.atMs).toISOString(),
    duration_ms: record.durationMs < 0 ? null : record.durationMs,
    method: record.method,
    path: record.path,
    credential: record.credential || null,
    attempt_id: record.attemptId || null,
    tasks: record.tasks,
    model: record.model || null,
    status: record.status,
    outcome: record.outcome,
    paid: record.paid,
    prompt_tokens: record.promptTokens,
    completion_tokens: record.completionTokens,
    stream: record.stream,
    fault: record.fault || null,
  }
}
