import { Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Counter, Histogram } from 'prom-client'
import type { PipelineContext } from '#libs/kernel'
import { PIPELINE_DURATION, PIPELINE_ERRORS } from './pipeline.metrics.js'
import { CounterFamily } from './series/counter.series.js'
import { HistogramFamily } from './series/histogram.series.js'
import { TypeMeter, type DurationLabel, type ErrorLabel } from './type.meter.js'

const MAX_TYPES = 100
const NO_TYPE = 'none'
const OTHER_TYPE = 'other'

/** Task types come from files, so they are few; above a bound they share one label all the same. */
@Injectable()
export class PipelineMeter {
  private readonly meters = { kafka: new Map<string, TypeMeter>(), ledger: new Map<string, TypeMeter>() }

  private readonly duration: HistogramFamily<DurationLabel>
  private readonly errors: CounterFamily<ErrorLabel>

  constructor(
    @InjectMetric(PIPELINE_DURATION) duration: Histogram<DurationLabel>,
    @InjectMetric(PIPELINE_ERRORS) errors: Counter<ErrorLabel>,
  ) {
    this.duration = new HistogramFamily(duration, ['transport', 'type', 'outcome'])
    this.errors = new CounterFamily(errors, ['transport', 'type', 'code'])
  }

  of(transport: PipelineContext['transport'], type: string = NO_TYPE): TypeMeter {
    return this.meters[transport].get(type) ?? this.add(transport, type)
  }

  private add(transport: PipelineContext['transport'], type: string): TypeMeter {
    const meters = this.meters[transport]
    if (meters.size >= MAX_TYPES && type !== OTHER_TYPE) return this.of(transport, OTHER_TYPE)
    const meter = new TypeMeter({ duration: this.duration, errors: this.errors, transport, type })
    meters.set(type, meter)
    return meter
  }
}
