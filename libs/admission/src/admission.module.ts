import { Module, type DynamicModule, type InjectionToken } from '@nestjs/common'
import { StreamGate } from '#libs/kernel'
import { LocalStreamGate } from './local-stream-gate.js'

@Module({})
export class AdmissionModule {
  /** `token` is where the limit of streams comes from: settings with `maxStreams`. */
  static forRoot(token: InjectionToken): DynamicModule {
    return {
      module: AdmissionModule,
      global: true,
      providers: [
        { provide: StreamGate, inject: [token], useFactory: ({ maxStreams }: { maxStreams: number }) => new LocalStreamGate(maxStreams) },
      ],
      exports: [StreamGate],
    }
  }
}
