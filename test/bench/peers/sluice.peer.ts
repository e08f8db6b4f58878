import { WorkerProcess } from '#tools/rig'
import type { RunningPeer } from './running.peer.js'

/** The service as it is shipped. */
export class SluicePeer implements RunningPeer {
  private constructor(private readonly worker: WorkerProcess) {}

  static async start(options: Parameters<typeof WorkerProcess.start>[0]): Promise<SluicePeer> {
    return new SluicePeer(await WorkerProcess.start(options))
  }

  get pid(): number {
    return this.worker.pid
  }

  get isRunning(): boolean {
    return this.worker.isRunning
  }

  async stop(): Promise<void> {
    const { code, signal } = await this.worker.stop()
    if (code !== 0) throw new Error(`the service ended with ${signal ?? `exit code ${code}`}`)
  }
}
