import { randomUUID } from 'node:crypto'
import { context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { defaultResource, detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider, type SpanExporter } from '@opentelemetry/sdk-trace'
import type { TraceIds } from '../trace-ids.js'
import type { TracingSettings } from '../tracing.settings.js'
import { CountingExporter } from './counting.exporter.js'
import { createSampler } from './create-sampler.js'
import { OtelTracer } from './otel.tracer.js'
import { SpanIds } from './span-ids.js'

export interface SpanExportOptions {
  readonly settings: TracingSettings & { readonly export: NonNullable<TracingSettings['export']> }
  readonly version: string
  readonly ids: TraceIds
  readonly onExported: (spans: number, error: Error | undefined) => void
  readonly exporter?: SpanExporter
}

/**
 * OpenTelemetry's SDK for traces: what all libraries of this process record leaves by OTLP in batches, off the way of tasks. A store that does not
 * answer costs at most `maxQueueSize` spans of memory; what does not fit is dropped.
 */
export class SpanExport {
  readonly tracer: OtelTracer
  private readonly provider: TracerProvider
  private readonly manager = new AsyncLocalStorageContextManager()

  constructor({ settings, version, ids, onExported, exporter = new OTLPTraceExporter() }: SpanExportOptions) {
    const spanIds = new SpanIds(ids)
    this.provider = new TracerProvider({
      resource: defaultResource()
        .merge(
          resourceFromAttributes({ 'service.name': settings.serviceName, 'service.version': version, 'service.instance.id': randomUUID() }),
        )
        .merge(detectResources({ detectors: [envDetector] })),
      sampler: createSampler(settings),
      idGenerator: spanIds,
      spanProcessors: [new BatchSpanProcessor({ ...settings.export, exporter: new CountingExporter(exporter, onExported) })],
    })
    trace.setGlobalTracerProvider(this.provider)
    context.setGlobalContextManager(this.manager.enable())
    this.tracer = new OtelTracer(this.provider.getTracer('sluice', version), spanIds, ids)
  }

  /** Resolves when what was recorded until now has been offered to the store. */
  flush(): Promise<void> {
    return this.provider.forceFlush()
  }

  /** Sends what waits, for as long as `limitMs`; nothing is recorded afterwards. */
  async close(limitMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, limitMs)
    })
    await Promise.race([this.provider.shutdown().catch(() => {}), late])
    clearTimeout(timer)
    trace.disable()
    context.disable()
  }
}
