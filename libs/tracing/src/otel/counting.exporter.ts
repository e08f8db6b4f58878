import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace'

type ExportCallback = Parameters<SpanExporter['export']>[1]

/** Tells what became of each batch of spans. */
export class CountingExporter implements SpanExporter {
  constructor(
    private readonly inner: SpanExporter,
    private readonly onEnd: (spans: number, error: Error | undefined) => void,
  ) {}

  export(spans: ReadableSpan[], callback: ExportCallback): void {
    this.inner.export(spans, (result) => {
      // 0 is success; the enumeration lies in a package of its own.
      this.onEnd(spans.length, (result.code as number) === 0 ? undefined : (result.error ?? new Error('the spans were not taken')))
      callback(result)
    })
  }

  shutdown(): Promise<void> {
    return this.inner.shutdown()
  }

  async forceFlush(): Promise<void> {
    await this.inner.forceFlush?.()
  }
}
