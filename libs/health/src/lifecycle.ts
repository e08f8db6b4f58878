import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common'

export type LifecyclePhase = 'starting' | 'running' | 'draining'

/**
 * The phase of the process: starting -> running (all modules are up) -> draining (a stop was asked for; never back). The first call of
 * `drain` counts; Nest's own shutdown calls it too.
 */
@Injectable()
export class Lifecycle implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly draining = new AbortController()
  private running = false
  private reason: string | undefined

  get phase(): LifecyclePhase {
    if (this.draining.signal.aborted) return 'draining'
    return this.running ? 'running' : 'starting'
  }

  /** Why the process is draining; undefined before. */
  get drainReason(): string | undefined {
    return this.reason
  }

  /** Aborted when draining begins. */
  get drainSignal(): AbortSignal {
    return this.draining.signal
  }

  drain(reason: string): void {
    if (this.draining.signal.aborted) return
    this.reason = reason
    this.draining.abort(new Error(`draining: ${reason}`))
  }

  onApplicationBootstrap(): void {
    this.running = true
  }

  onModuleDestroy(): void {
    this.drain('shutdown')
  }
}
