import { Inject, Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Counter } from 'prom-client'
import { SpanExport } from './otel/span-export.js'
import { PassThroughTracer } from './pass-through.tracer.js'
import { TraceIds } from './trace-ids.js'
import type { Tracer } from './tracer.js'
import { SPANS_EXPORTED } from './tracing.metrics.js'
import { tracingSettings, type TracingSettings } from './tracing.settings.js'

/** Who this process is, for the trace store. */
export const TRACING_VERSION = Symbol('sluice.tracing.version')

const CLOSE_LIMIT_MS = 5_000

/** Owns the SDK where spans are exported. Says once when the trace store is away, and once when it is back. */
@Injectable()
export class SpanExportLifecycle implements OnApplicationShutdown {
  readonly tracer: Tracer
  private readonly logger = new Logger(SpanExportLifecycle.name)
  private readonly spans: SpanExport | undefined
  private isFailing = false

  constructor(
    @Inject(tracingSettings.KEY) settings: TracingSettings,
    @Inject(TRACING_VERSION) version: string,
    @InjectMetric(SPANS_EXPORTED) private readonly exported: Counter<'result'>,
    ids: TraceIds,
  ) {
    const { export: batch } = settings
    if (batch) {
      const onExported = (spans: number, error: Error | undefined) => this.note(spans, error)
      this.spans = new SpanExport({ settings: { ...settings, export: batch }, version, ids, onExported })
    }
    this.tracer = this.spans?.tracer ?? new PassThroughTracer(ids)
  }

  async onApplicationShutdown(): Promise<void> {
    await this.spans?.close(CLOSE_LIMIT_MS)
  }

  private note(spans: number, error: Error | undefined): void {
    this.exported.inc({ result: error ? 'refused' : 'taken' }, spans)
    const isFailing = error !== undefined
    if (isFailing === this.isFailing) return
    this.isFailing = isFailing
    if (error) this.logger.warn('the trace store does not take spans: they are lost', { error })
    else this.logger.log('the trace store takes spans again')
  }
}
