import 'reflect-metadata'
import { Admission } from '#libs/kernel'
import { AdmissionLoop, AdmissionModule } from '#libs/admission'
import { STREAMS } from '../worker.environment.js'
import { LocalAdmission } from './local.admission.js'

/** The service as it is shipped, but for admission: a module of one process in place of the one that asks all replicas. */
AdmissionModule.forRoot = () => ({
  module: AdmissionModule,
  global: true,
  providers: [
    { provide: LocalAdmission, useFactory: () => new LocalAdmission(STREAMS) },
    { provide: Admission, useExisting: LocalAdmission },
    { provide: AdmissionLoop, useExisting: LocalAdmission },
  ],
  exports: [Admission, AdmissionLoop],
})

await import('../../../../apps/worker/src/main.js')
