import { Injectable } from '@nestjs/common'
import { InjectMetric } from '@willsoto/nestjs-prometheus'
import type { Counter, Gauge } from 'prom-client'
import { AdmissionEvents } from './admission.events.js'
import { LIMIT_MET, ROUTE_STATE, STREAMS } from './admission.metrics.js'
import { StreamGates } from './streams/stream.gates.js'

const STATE = { closed: 0, half_open: 1, open: 2 }

/** Shows what admission decides. Its labels are gates and routes, which settings and task types name. */
@Injectable()
export class AdmissionMeter {
  constructor(
    events: AdmissionEvents,
    gates: StreamGates,
    @InjectMetric(STREAMS) streams: Gauge<'gate' | 'kind'>,
    @InjectMetric(ROUTE_STATE) state: Gauge<'provider' | 'model'>,
    @InjectMetric(LIMIT_MET) limitMet: Counter<'gate'>,
  ) {
    events.on('routeChanged', ({ provider, model, status }) => state.set({ provider, model }, STATE[status]))
    events.on('limitMet', ({ gate }) => limitMet.inc({ gate }))
    // prom-client calls it when the metrics are read.
    const collect = () => {
      for (const { gate, inUse, kept, limit } of gates.all) {
        streams.set({ gate, kind: 'in_use' }, inUse)
        streams.set({ gate, kind: 'granted' }, kept)
        streams.set({ gate, kind: 'limit' }, limit)
      }
    }
    Object.assign(streams, { collect })
  }
}
