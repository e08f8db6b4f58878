import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common'
import { Observable, type Observer, type Subscriber } from 'rxjs'
import { classifyError, type PipelineContext } from '#libs/kernel'
import { readOutcome } from './measured-outcome.js'
import { PipelineMeter } from './pipeline.meter.js'
import type { TypeMeter } from './type.meter.js'

/** Measures every dispatch, by the value or the error that it ends with (MeasuredOutcome). */
@Injectable()
export class MetricsInterceptor implements NestInterceptor {
  constructor(private readonly meter: PipelineMeter) {}

  intercept(execution: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { transport, subject } = execution.switchToRpc().getContext<PipelineContext>()
    const work = next.handle()
    return new Observable((subscriber) => work.subscribe(new MeasuredWork(subscriber, this.meter.of(transport, subject.type))))
  }
}

/** Passes everything on and records the end. */
class MeasuredWork implements Observer<unknown> {
  private readonly startedMs = performance.now()
  private last: unknown = undefined

  constructor(
    private readonly subscriber: Subscriber<unknown>,
    private readonly meter: TypeMeter,
  ) {}

  next(value: unknown): void {
    this.last = value
    this.subscriber.next(value)
  }

  error(error: unknown): void {
    this.meter.record({ outcome: 'error', code: classifyError(error).code }, this.elapsedSeconds())
    this.subscriber.error(error)
  }

  complete(): void {
    this.meter.record(readOutcome(this.last), this.elapsedSeconds())
    this.subscriber.complete()
  }

  private elapsedSeconds(): number {
    return (performance.now() - this.startedMs) / 1_000
  }
}
