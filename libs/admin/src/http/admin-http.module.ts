import { Module, type DynamicModule, type Provider } from '@nestjs/common'
import { APP_FILTER, APP_GUARD } from '@nestjs/core'
import { AdminFacts, type ServiceIdentity } from './admin-facts.js'
import type { AdminHttpSettings } from './admin-http.settings.js'
import { AdminTokens } from './admin-tokens.js'
import { AdminGuard } from './admin.guard.js'
import { LogLevelController } from './log-level.controller.js'
import { ProblemFilter } from './problem.filter.js'
import { ProfileController } from './profile.controller.js'
import { CpuProfiler } from '../profile/cpu.profiler.js'
import { StatusController } from './status.controller.js'

export interface AdminHttpOptions {
  readonly identity: ServiceIdentity
  readonly settings: AdminHttpSettings
  /** What the routes show and change: AuditLog, BreakerBoard, Clock, LogLevels, Readiness and StatusRegistry of the application that runs. */
  readonly services: readonly Provider[]
}

/**
 * An application of its own, on a port of its own: what is not in it cannot be reached there, and none of it can be reached elsewhere.
 */
@Module({})
export class AdminHttpModule {
  static forRoot({ identity, settings, services }: AdminHttpOptions): DynamicModule {
    return {
      module: AdminHttpModule,
      controllers: [StatusController, LogLevelController, ProfileController],
      providers: [
        ...services,
        { provide: AdminFacts, useValue: new AdminFacts(identity) },
        { provide: AdminTokens, useValue: new AdminTokens(settings) },
        CpuProfiler,
        { provide: APP_GUARD, useClass: AdminGuard },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    }
  }
}
