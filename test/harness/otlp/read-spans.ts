import protobuf from 'protobufjs'
import { OTLP_TRACE_PROTO } from './otlp-trace.proto.js'
import type { ReceivedSpan } from './received-span.js'

const REQUEST = protobuf.parse(OTLP_TRACE_PROTO).root.lookupType('ExportTraceServiceRequest')
const ERROR_STATUS = 2

/** As protobufjs gives it: bytes, and numbers of 64 bits as texts. */
interface WireValue {
  readonly stringValue?: string
  readonly boolValue?: boolean
  readonly intValue?: string
  readonly doubleValue?: number
  readonly arrayValue?: { readonly values?: readonly WireValue[] }
}

type WireAttributes = readonly { readonly key: string; readonly value?: WireValue }[]

interface WireSpan {
  readonly traceId: Buffer
  readonly spanId: Buffer
  readonly parentSpanId?: Buffer
  readonly name: string
  readonly kind?: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes?: WireAttributes
  readonly events?: readonly { readonly name: string; readonly attributes?: WireAttributes }[]
  readonly links?: readonly { readonly traceId: Buffer; readonly spanId: Buffer }[]
  readonly status?: { readonly code?: number }
}

interface WireRequest {
  readonly resourceSpans?: readonly {
    readonly resource?: { readonly attributes?: WireAttributes }
    readonly scopeSpans?: readonly { readonly spans?: readonly WireSpan[] }[]
  }[]
}

/** Decodes the body of a request to /v1/traces. Throws where it is not the protobuf of OTLP. */
export function readSpans(body: Uint8Array): ReceivedSpan[] {
  const request = REQUEST.toObject(REQUEST.decode(body), { longs: String, bytes: Buffer }) as WireRequest
  return (request.resourceSpans ?? []).flatMap(({ resource, scopeSpans = [] }) => {
    const shared = readAttributes(resource?.attributes)
    return scopeSpans.flatMap(({ spans = [] }) => spans.map((span) => readSpan(span, shared)))
  })
}

function readSpan(span: WireSpan, resource: Readonly<Record<string, unknown>>): ReceivedSpan {
  return {
    traceId: span.traceId.toString('hex'),
    spanId: span.spanId.toString('hex'),
    parentSpanId: span.parentSpanId?.toString('hex') ?? '',
    name: span.name,
    kind: span.kind ?? 0,
    startMs: Number(span.startTimeUnixNano) / 1e6,
    endMs: Number(span.endTimeUnixNano) / 1e6,
    attributes: readAttributes(span.attributes),
    events: (span.events ?? []).map(({ name, attributes }) => ({ name, attributes: readAttributes(attributes) })),
    links: (span.links ?? []).map(({ traceId, spanId }) => ({ traceId: traceId.toString('hex'), spanId: spanId.toString('hex') })),
    isError: span.status?.code === ERROR_STATUS,
    resource,
  }
}

function readAttributes(attributes: WireAttributes = []): Record<string, unknown> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value && readValue(value)]))
}

function readValue({ stringValue, boolValue, intValue, doubleValue, arrayValue }: WireValue): unknown {
  if (intValue !== undefined) return Number(intValue)
  if (arrayValue) return (arrayValue.values ?? []).map(readValue)
  return stringValue ?? boolValue ?? doubleValue
}
