import { FIRST_SETTINGS_VERSION } from '#libs/kernel'

export interface ServiceIdentity {
  readonly service: string
  readonly version: string
}

/** What this process is. */
export class AdminFacts {
  constructor(private readonly identity: ServiceIdentity) {}

  describe(): Record<string, unknown> {
    const { service, version } = this.identity
    return {
      service,
      version,
      node_version: process.version,
      pid: process.pid,
      up_seconds: Math.round(process.uptime()),
      settings_version: FIRST_SETTINGS_VERSION,
    }
  }
}
