import { Global, Module } from '@nestjs/common'
import { PassThroughTracer } from './pass-through.tracer.js'
import { TraceIds } from './trace-ids.js'
import { TraceInterceptor } from './trace.interceptor.js'
import { Tracer } from './tracer.js'

@Global()
@Module({
  providers: [{ provide: TraceIds, useFactory: () => new TraceIds() }, { provide: Tracer, useClass: PassThroughTracer }, TraceInterceptor],
  exports: [TraceIds, Tracer, TraceInterceptor],
})
export class TracingModule {}
