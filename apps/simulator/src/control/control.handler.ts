import type { IncomingMessage, ServerResponse } from 'node:http'
import { z } from 'zod'
import { summarizeBill } from '../bill/bill.summary.js'
import { faultSchema, type Fault } from '../faults/fault.schema.js'
import { readBody } from '../http/body.reader.js'
import { parseJson } from '../http/json.js'
import { JSON_TYPE } from '../http/reply.js'
import type { Simulation } from '../simulation.js'
import { sendBill } from './bill.page.js'

export const CONTROL_PREFIX = '/__sim'
const MAX_BODY_BYTES = 64 * 1024 * 1024

interface ControlCall {
  readonly simulation: Simulation
  readonly query: URLSearchParams
  readonly body: unknown
}

type ControlAction = (call: ControlCall) => unknown

const ACTIONS: Readonly<Record<string, ControlAction>> = {
  'GET /health': () => ({ status: 'ok' }),
  'GET /settings': ({ simulation }) => simulation.settings,
  'PUT /settings': ({ simulation, body }) => {
    simulation.changeSettings(body)
    return simulation.settings
  },
  'GET /faults': ({ simulation }) => simulation.faults.list(),
  'POST /faults': ({ simulation, body }) => ({ ids: parseFaults(body).map((fault) => simulation.faults.add(fault)) }),
  'DELETE /faults': ({ simulation, query }) => removeFaults(simulation, query.get('id')),
  'POST /reset': ({ simulation }) => simulation.reset(),
  'POST /revoke-tokens': ({ simulation }) => ({ revoked: simulation.tokens.revokeAll() }),
  'GET /bill/summary': ({ simulation, query }) => summarizeBill(simulation, query.get('by_task') !== 'false'),
  'DELETE /bill': ({ simulation }) => simulation.bill.clear(),
}

/** `/__sim/*`: no token, no fault, no line on the bill. */
export function handleControl(simulation: Simulation, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://simulator')
  const name = `${request.method} ${url.pathname.slice(CONTROL_PREFIX.length)}`
  if (name === 'GET /bill') return sendBill(simulation, url.searchParams, response)
  const action = ACTIONS[name]
  if (action === undefined)
    return sendJson(response, 404, { error: `no such control call: ${name}`, known: [...Object.keys(ACTIONS), 'GET /bill'] })
  readBody(request, MAX_BODY_BYTES, (body) => {
    try {
      const result = action({ simulation, query: url.searchParams, body: parseBody(body) })
      if (result === undefined) response.writeHead(204).end()
      else sendJson(response, 200, result)
    } catch (error) {
      sendJson(response, 400, { error: describe(error) })
    }
  })
}

/** One rule or a list; all are checked before the first one is added. */
function parseFaults(body: unknown): Fault[] {
  return z.array(faultSchema).parse(Array.isArray(body) ? body : [body])
}

function removeFaults(simulation: Simulation, id: string | null): void {
  if (id === null) simulation.faults.clear()
  else if (!simulation.faults.remove(id)) throw new Error(`no such fault rule: ${id}`)
}

function parseBody(body: Buffer | null): unknown {
  if (body === null) throw new Error(`the body is larger than ${MAX_BODY_BYTES} bytes`)
  if (body.length === 0) return undefined
  const value = parseJson(body)
  if (value === undefined) throw new Error('the body is not JSON')
  return value
}

function describe(error: unknown): string {
  if (error instanceof z.ZodError) return z.prettifyError(error)
  return error instanceof Error ? error.message : String(error)
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const body = JSON.stringify(value)
  response.writeHead(status, { 'Content-Type': JSON_TYPE, 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}
