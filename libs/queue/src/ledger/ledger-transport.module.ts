import { Module, type DynamicModule, type ModuleMetadata } from '@nestjs/common'
import { StatusRegistry } from '#libs/health'
import { Admission, Clock, Ledger, WorkerLease } from '#libs/kernel'
import { ledgerTransportSettings, type LedgerTransportSettings } from './ledger-transport.settings.js'
import { LedgerTransportStatus } from './ledger-transport.status.js'
import { LedgerTransport } from './ledger.transport.js'

@Module({})
export class LedgerTransportModule {
  /** `imports` bring the Ledger and the WorkerLease; Admission and Clock are global. */
  static forRoot(imports: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: LedgerTransportModule,
      imports,
      providers: [
        {
          provide: LedgerTransport,
          inject: [Ledger, WorkerLease, Admission, Clock, ledgerTransportSettings.KEY],
          useFactory: (ledger: Ledger, lease: WorkerLease, admission: Admission, clock: Clock, settings: LedgerTransportSettings) =>
            new LedgerTransport({ ledger, lease, admission, clock, ...settings }),
        },
        {
          provide: LedgerTransportStatus,
          inject: [StatusRegistry, LedgerTransport],
          useFactory: (registry: StatusRegistry, transport: LedgerTransport) => new LedgerTransportStatus(registry, transport),
        },
      ],
      exports: [LedgerTransport],
    }
  }
}
