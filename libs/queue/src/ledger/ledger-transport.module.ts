import { Module, type DynamicModule, type ModuleMetadata } from '@nestjs/common'
import { Clock, Ledger, StreamGate, WorkerLease } from '#libs/kernel'
import { ledgerTransportSettings, type LedgerTransportSettings } from './ledger-transport.settings.js'
import { LedgerTransport } from './ledger.transport.js'

@Module({})
export class LedgerTransportModule {
  /** `imports` bring the Ledger and the WorkerLease; StreamGate and Clock are global. */
  static forRoot(imports: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: LedgerTransportModule,
      imports,
      providers: [
        {
          provide: LedgerTransport,
          inject: [Ledger, WorkerLease, StreamGate, Clock, ledgerTransportSettings.KEY],
          useFactory: (ledger: Ledger, lease: WorkerLease, streams: StreamGate, clock: Clock, settings: LedgerTransportSettings) =>
            new LedgerTransport({ ledger, lease, streams, clock, ...settings }),
        },
      ],
      exports: [LedgerTransport],
    }
  }
}
