import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common'
import { AdmissionLoop } from './admission.loop.js'

/** Ends the loop after the transports have drained, and before PostgreSQL is closed. */
@Injectable()
export class AdmissionLifecycle implements BeforeApplicationShutdown {
  constructor(private readonly loop: AdmissionLoop) {}

  async beforeApplicationShutdown(): Promise<void> {
    await this.loop.stop()
  }
}
