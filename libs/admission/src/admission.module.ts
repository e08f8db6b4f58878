import { Module, type DynamicModule, type InjectionToken, type ModuleMetadata } from '@nestjs/common'
import { HealthRegistry, StatusRegistry } from '#libs/health'
import { Admission, AdmissionStore, Clock, LimitReads } from '#libs/kernel'
import { AdmissionEvents } from './admission.events.js'
import { AdmissionLifecycle } from './admission.lifecycle.js'
import { AdmissionLog } from './admission.log.js'
import { AdmissionLoop } from './admission.loop.js'
import { AdmissionMeter } from './admission.meter.js'
import { admissionMetrics } from './admission.metrics.js'
import { admissionSettings } from './admission.settings.js'
import { AdmissionStatus } from './admission.status.js'
import { ClusterAdmission } from './cluster.admission.js'
import { createAdmission, type AdmissionParts } from './create-admission.js'
import { LimitMeter } from './gates/limit.meter.js'
import { LimitWatch } from './gates/limit.watch.js'
import { RouteHealth } from './routes/route.health.js'
import { StreamGates } from './streams/stream.gates.js'

/** Longer than a healthy PostgreSQL takes, and far below what a scrape may. */
const PATIENCE_MS = 2_000

const PARTS = Symbol('parts of admission')

@Module({})
export class AdmissionModule {
  /** `imports` bring the AdmissionStore and LimitReads. `token` is where the streams of a credential come from that LIMITS_FILE says nothing of: settings with `maxStreams` and `providers`. */
  static forRoot(imports: NonNullable<ModuleMetadata['imports']>, token: InjectionToken): DynamicModule {
    return {
      module: AdmissionModule,
      global: true,
      imports,
      providers: [
        AdmissionEvents,
        ...admissionMetrics,
        AdmissionMeter,
        AdmissionLog,
        {
          provide: PARTS,
          inject: [AdmissionStore, Clock, AdmissionEvents, admissionSettings.KEY, token],
          useFactory: createAdmission,
        },
        { provide: ClusterAdmission, inject: [PARTS], useFactory: ({ admission }: AdmissionParts) => admission },
        { provide: AdmissionLoop, inject: [PARTS], useFactory: ({ loop }: AdmissionParts) => loop },
        { provide: StreamGates, inject: [PARTS], useFactory: ({ gates }: AdmissionParts) => gates },
        { provide: Admission, useExisting: ClusterAdmission },
        {
          provide: LimitWatch,
          inject: [PARTS, LimitReads, AdmissionEvents],
          useFactory: ({ limits, laneGates: gates }: AdmissionParts, reads: LimitReads, events: AdmissionEvents) =>
            new LimitWatch({ reads, limits, gates, events, patienceMs: PATIENCE_MS }),
        },
        LimitMeter,
        {
          provide: AdmissionStatus,
          inject: [StatusRegistry, PARTS, LimitWatch],
          useFactory: (registry: StatusRegistry, parts: AdmissionParts, watch: LimitWatch) => new AdmissionStatus(registry, parts, watch),
        },
        {
          provide: RouteHealth,
          inject: [HealthRegistry, PARTS],
          useFactory: (registry: HealthRegistry, { breakers }: AdmissionParts) => new RouteHealth(registry, breakers),
        },
        AdmissionLifecycle,
      ],
      exports: [Admission, AdmissionLoop, AdmissionEvents],
    }
  }
}
