import { Global, Module, type DynamicModule } from '@nestjs/common'
import { SpanExportLifecycle, TRACING_VERSION } from './span-export.lifecycle.js'
import { TraceIds } from './trace-ids.js'
import { TraceInterceptor } from './trace.interceptor.js'
import { Tracer } from './tracer.js'
import { tracingMetrics } from './tracing.metrics.js'

@Global()
@Module({})
export class TracingModule {
  static forRoot({ version }: { readonly version: string }): DynamicModule {
    return {
      module: TracingModule,
      providers: [
        ...tracingMetrics,
        { provide: TRACING_VERSION, useValue: version },
        { provide: TraceIds, useFactory: () => new TraceIds() },
        SpanExportLifecycle,
        { provide: Tracer, inject: [SpanExportLifecycle], useFactory: ({ tracer }: SpanExportLifecycle) => tracer },
        TraceInterceptor,
      ],
      exports: [TraceIds, Tracer, TraceInterceptor],
    }
  }
}
