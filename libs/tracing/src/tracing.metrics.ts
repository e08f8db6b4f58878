import { makeCounterProvider } from '@willsoto/nestjs-prometheus'

export const SPANS_EXPORTED = 'sluice_spans_exported_total'

export const tracingMetrics = [
  makeCounterProvider({
    name: SPANS_EXPORTED,
    help: 'Spans that were offered to the trace store, by result (taken, refused). Those that did not fit into the queue are in neither.',
    labelNames: ['result'],
  }),
]
