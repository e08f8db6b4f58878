import { Session } from 'node:inspector/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { Injectable } from '@nestjs/common'

/** Takes CPU profiles of the main thread, one at a time: it trades a few percent of speed meanwhile. */
@Injectable()
export class CpuProfiler {
  private running = false

  get isRunning(): boolean {
    return this.running
  }

  /** Resolves with the profile as JSON (.cpuprofile of the Chrome DevTools). Rejects while another one is being taken. */
  async take(durationMs: number, signal?: AbortSignal): Promise<string> {
    if (this.running) throw new Error('a profile is being taken already')
    this.running = true
    const session = new Session()
    session.connect()
    try {
      await session.post('Profiler.enable')
      await session.post('Profiler.start')
      // Whoever asked has gone: what was taken so far is thrown away.
      await delay(durationMs, undefined, { signal })
      const { profile } = await session.post('Profiler.stop')
      return JSON.stringify(profile)
    } finally {
      session.disconnect()
      this.running = false
    }
  }
}
